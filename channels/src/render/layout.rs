//! A message → blocks, in the way that the provider's limits leave.

use super::block::{Block, Button, Picture, Role, Target};
use super::form;
use super::inline::{self, LONGEST_LINK, Rich, Span, read, title};
use super::media;
use super::pack::{Group, fits_in, pack};
use super::page::{Identity, Page};
use super::split::split;
use super::web_address::web_address;
use crate::callback::{Reference, Tap};
use crate::limits::{Forms, Limits, Pictures, Size};
use haptik_bridge_shared::message::hsl::{Element, Form, Hsl, opened};
use haptik_bridge_shared::message::{Content, Outgoing, Sender, SenderKind};

mod actions;
mod cards;

/// The pages that show something, in order; none when there is nothing to show.
#[must_use]
pub fn pages(outgoing: &Outgoing, limits: &Limits) -> Vec<Page> {
    let sender = Identity::of(outgoing, limits);
    let layout = Layout::new(outgoing, limits);
    let mut pages = match &outgoing.content {
        Content::Message { hsl, .. } => layout.message(hsl, sender.is_some()),
        Content::AgentJoined { team_name, notice } => layout.joined(team_name, notice),
        Content::ConversationComplete {
            completed_by,
            notice,
            ..
        } => match notice.trim() {
            // The bot completes its conversations all the time: only an agent's leaving is news.
            "" if completed_by == "bot" => Vec::new(),
            "" => layout.notice(&read("This conversation is complete.")),
            _ => layout.notice(&read(notice)),
        },
        // For a bot that lives elsewhere.
    };
    number(pages.iter_mut().flatten());
    let pages = pages.into_iter().enumerate();
    let page = |(index, blocks)| Page::new(outgoing, limits, index, sender.clone(), blocks);
    let mut pages: Vec<Page> = pages.map(page).collect();
    Page::count_choices(&mut pages);
    pages
}

impl Identity {
    /// Under whose name a message stands; `None` where that is the bot's.
    fn of(outgoing: &Outgoing, limits: &Limits) -> Option<Self> {
        let Sender {
            kind,
            name,
            profile_image,
        } = &outgoing.sender;
        let is_agents =
            matches!(outgoing.content, Content::Message { .. }) && *kind == SenderKind::Agent;
        let room = limits.agent_identity.filter(|_| is_agents)?;
        let picture = web_address(profile_image, limits.address);
        Some(Self {
            name: inline::label(name, room)?,
            picture: picture.filter(|url| url.starts_with("https:")),
        })
    }
}

/// Gives the blocks that have buttons their numbers, in order.
fn number<'b>(blocks: impl Iterator<Item = &'b mut Block>) {
    let mut next = 0;
    let mut numbered = |id: &mut usize| {
        *id = next;
        next += 1;
    };
    for block in blocks {
        match block {
            Block::Buttons { id, .. } | Block::Menu { id, .. } | Block::Form { id, .. } => {
                numbered(id);
            }
            Block::Card(card) => numbered(&mut card.id),
            Block::Carousel(cards) => cards.iter_mut().for_each(|card| numbered(&mut card.id)),
            Block::Text(_) | Block::Notice { .. } | Block::Picture(_) | Block::Numbered { .. } => {}
        }
    }
}

/// Lays one message out; counts what runs on through it.
struct Layout<'a> {
    outgoing: &'a Outgoing,
    limits: &'a Limits,
    reference: Reference,
    /// The place of the next actionable in [`Hsl::actionables`].
    actionable: usize,
    /// The number of the next numbered choice.
    choice: usize,
}

impl<'a> Layout<'a> {
    fn new(outgoing: &'a Outgoing, limits: &'a Limits) -> Self {
        Self {
            outgoing,
            limits,
            reference: Reference {
                auth_id: outgoing.auth_id.clone(),
                key: outgoing.key.clone(),
            },
            actionable: 0,
            choice: 1,
        }
    }

    fn message(mut self, hsl: &Hsl, is_under_own_name: bool) -> Vec<Vec<Block>> {
        let mut text = read(&hsl.text);
        let mut groups = match &hsl.element {
            Element::Silent => return Vec::new(),
            Element::System { .. } => return self.notice(&text),
            Element::Text { quick_replies } => {
                vec![self.actionables(Role::Replies, quick_replies).into()]
            }
            Element::Button { items } => vec![self.actionables(Role::Buttons, items).into()],
            Element::Carousel { items } => self.cards(items, &hsl.text),
            Element::Form(form) => vec![self.form(form).into()],
            Element::NativeAction { .. } | Element::Other { .. } => Vec::new(),
        };
        let sender = &self.outgoing.sender;
        let mut name = if sender.kind == SenderKind::Agent && !is_under_own_name {
            title(&sender.name)
        } else {
            Rich::new()
        };
        let nothing_else = groups.iter().all(|group: &Group| group.blocks.is_empty());
        if name.is_empty() && nothing_else {
            let texts = self.split(&text, self.limits.text).into_iter();
            return texts.map(|text| vec![Block::Text(text)]).collect();
        }
        if self.limits.is_bubble() && !inline::is_blank(&text) {
            // There is one text.
            text = inline::lines([std::mem::take(&mut name), text]);
        }
        groups.insert(0, self.texts(&text).into());
        if let Some(first) = groups.iter_mut().find(|group| !group.blocks.is_empty()) {
            // A bubble's picture is above its text.
            let is_picture = |block: &Block| matches!(block, Block::Picture(_));
            let above = self.limits.is_bubble() && first.blocks.first().is_some_and(is_picture);
            let at = usize::from(above);
            first.blocks.splice(at..at, self.notices(&name, None));
        }
        pack(groups, self.limits)
    }

    /// What is about the conversation rather than in it.
    fn notice(&self, text: &[Span]) -> Vec<Vec<Block>> {
        pack(vec![self.notices(text, None).into()], self.limits)
    }

    fn joined(&self, team_name: &str, notice: &str) -> Vec<Vec<Block>> {
        let sender = &self.outgoing.sender;
        let text = if sender.name.trim().is_empty() && !notice.trim().is_empty() {
            read(notice)
        } else {
            joined(&sender.name, team_name)
        };
        let picture = match self.limits.pictures {
            Pictures::Inline { alt, .. } => web_address(&sender.profile_image, self.limits.address)
                .filter(|url| url.starts_with("https:"))
                .map(|url| Picture {
                    url,
                    alt: alt.clip(&sender.name).into_owned(),
                }),
            Pictures::ByUrl { .. } | Pictures::LinkOnly => None,
        };
        pack(vec![self.notices(&text, picture).into()], self.limits)
    }

    fn split(&self, text: &[Span], size: Size) -> Vec<Rich> {
        split(text, size, self.limits.markup, self.limits.counted)
    }

    /// A text, in as many blocks as it takes; none for an empty one.
    fn texts(&self, text: &[Span]) -> Vec<Block> {
        let texts = self.split(text, self.limits.section()).into_iter();
        texts.map(Block::Text).collect()
    }

    /// A text in small print, with a small picture before it; none for an empty one.
    fn notices(&self, text: &[Span], picture: Option<Picture>) -> Vec<Block> {
        let emphasised = [Span::Italic(text.to_vec())];
        let text = if self.limits.notices || inline::is_blank(text) {
            text
        } else {
            &emphasised
        };
        let mut picture = picture;
        let texts = self.split(text, self.limits.section()).into_iter();
        texts
            .map(|text| Block::Notice {
                text,
                picture: picture.take(),
            })
            .collect()
    }

    /// A picture, described by the first of the titles that is not empty; a link where it is a video or
    /// nothing that the provider can show.
    fn picture(&self, address: &str, titles: &[&str]) -> Vec<Block> {
        if address.trim().is_empty() {
            return Vec::new();
        }
        let opened = opened(address);
        let url = opened.and_then(|url| web_address(&url, self.limits.address));
        let Some(url) = url else {
            return self.texts(&inline::address(address));
        };
        let alt = self.limits.alt();
        match (
            media::kind(&url, self.limits.pictures.types()),
            self.limits.pictures,
        ) {
            (media::Kind::Video, _) => self.link("▶ ", url, "Watch the video".to_owned()),
            (media::Kind::Image, Pictures::Inline { .. } | Pictures::ByUrl { .. }) => {
                let alt = media::described(titles, alt);
                vec![Block::Picture(Picture { url, alt })]
            }
            (media::Kind::Image | media::Kind::OtherPicture | media::Kind::Other, _) => {
                let title = media::described(titles, alt);
                let title = LINK_LABEL.clip(&title).into_owned();
                self.link("🔗 ", url, title)
            }
        }
    }

    /// A link with a sign before it; only its address where the whole is too long.
    fn link(&self, sign: &str, url: String, label: String) -> Vec<Block> {
        let address = inline::address(&url);
        let linked = vec![Span::Text(sign.to_owned()), Span::Link { url, label }];
        // A link is never cut, so one that fills a block stands as text.
        if fits_in(&linked, self.limits.section(), self.limits) {
            self.texts(&linked)
        } else {
            self.texts(&address)
        }
    }

    /// A form: title, subtitle, questions, and a button that opens it. The questions are in the message, so
    /// that it makes sense where it is only read (a notification, a screen reader), and can be answered in
    /// the chat where the window cannot be opened. Where the form is [asked in the chat](Limits::asks_in_chat),
    /// its questions are messages of their own.
    fn form(&mut self, form: &Form) -> Vec<Block> {
        let mut blocks = self.texts(&inline::lines([title(&form.title), read(&form.subtitle)]));
        if self.limits.asks_in_chat(form) {
            let how = form::chat::introduction(form).unwrap_or_default();
            blocks.extend(self.notices(&read(&how), None));
            return blocks;
        }
        let questions = form::questions(form);
        match self.limits.forms {
            _ if form.fields.is_empty() => return blocks,
            Forms::Modal { .. } => {
                if let Some(button) = self.fill("Fill in the form") {
                    blocks.extend(self.notices(&questions, None));
                    blocks.push(Block::Buttons {
                        id: 0,
                        role: Role::Buttons,
                        buttons: vec![button],
                    });
                    return blocks;
                }
            }
            Forms::Inline { .. } => {
                if let Some(button) = self.fill("Send") {
                    blocks.push(Block::Form {
                        id: 0,
                        form: form.clone(),
                        button,
                    });
                    return blocks;
                }
            }
            Forms::Chat => {}
        }
        // No button of it has room for what it would carry.
        blocks.extend(self.texts(&inline::lines([read("Please answer:"), questions])));
        blocks
    }

    fn fill(&self, label: &str) -> Option<Button> {
        let buttons = self.limits.buttons?;
        let data = (buttons.codec)(&self.reference, &Tap::Fill, buttons.data)?;
        Some(Button {
            index: 0,
            label: buttons.label.clip(label).into_owned(),
            target: Target::Callback {
                tap: Tap::Fill,
                data: Some(data),
            },
            says: None,
            is_default: true,
        })
    }
}

/// How long the label of a link to a picture is.
const LINK_LABEL: Size = Size::utf16(75);

impl Limits {
    /// The room for a picture's description.
    const fn alt(&self) -> Size {
        match self.pictures {
            Pictures::Inline { alt, .. } => alt,
            Pictures::ByUrl { caption, .. } => caption,
            Pictures::LinkOnly => LONGEST_LINK,
        }
    }
}

fn joined(agent: &str, team_name: &str) -> Rich {
    let mut text = match title(agent) {
        name if name.is_empty() => read("An agent"),
        name => name,
    };
    let team = read(team_name.trim());
    if !inline::is_blank(&team) {
        text.push(Span::Text(" (".to_owned()));
        text.extend(team);
        text.push(Span::Text(")".to_owned()));
    }
    text.push(Span::Text(" has joined the conversation.".to_owned()));
    text
}

#[cfg(test)]
pub(super) mod tests;
