//! The text that stands for a page's blocks in notifications and for screen readers, which do not look
//! into them: read alone, it says what is shown, what can be chosen and where links lead.

use super::Markup;
use super::block::{Block, Button, Card, Picture, Target, numbered};
use super::inline::{self, Rich, Span};
use crate::limits::Size;

/// How much of a picture's description is read out.
const DESCRIPTION: Size = Size::utf16(300);

/// The text that stands for all of these blocks.
pub(super) fn of(blocks: &[Block], markup: Markup) -> String {
    let mut text = String::new();
    for block in blocks {
        let mut line = of_block(block, markup);
        if let Block::Picture(picture) = block
            && text.contains(&markup.print(&described(picture)))
        {
            // Its description is what was just said.
            "Image".clone_into(&mut line);
        }
        if !text.is_empty() && !line.is_empty() {
            text.push('\n');
        }
        text += &line;
    }
    text
}

/// The text that stands for one block.
pub(super) fn of_block(block: &Block, markup: Markup) -> String {
    let text = match block {
        // A small picture stands before the name of whom it shows.
        Block::Text(text) | Block::Notice { text, .. } => text.clone(),
        Block::Picture(picture) => image(picture),
        Block::Card(card) => of_card(card, markup),
        Block::Carousel(cards) => inline::lines(cards.iter().map(|card| of_card(card, markup))),
        Block::Buttons { buttons, .. } => chosen(buttons, markup),
        Block::Menu { rows, .. } => chosen(rows, markup),
        Block::Numbered { first, choices } => numbered(*first, choices),
        Block::Form { form, button, .. } => {
            let questions = super::form::questions(form);
            inline::lines([questions, chosen(std::slice::from_ref(button), markup)])
        }
    };
    markup.print(&text)
}

/// What can be tapped, in order: what is said by a tap, and where the other buttons lead.
pub(super) fn chosen(buttons: &[Button], markup: Markup) -> Rich {
    let mut lines: Vec<Rich> = Vec::new();
    let mut said = false;
    for button in buttons {
        let label = Span::Text(button.label.clone());
        let address = match &button.target {
            Target::Callback { .. } => None,
            Target::Url(url) => Some(url.clone()),
            Target::Phone(number) => Some(format!("tel:{number}")),
        };
        let says = address.is_none();
        match (address, lines.last_mut()) {
            (Some(url), _) => {
                let link = vec![Span::Link {
                    url,
                    label: String::new(),
                }];
                lines.push(if inline::LONGEST_LINK.fits(&markup.print(&link)) {
                    let mut linked = vec![label, Span::Text(": ".to_owned())];
                    linked.extend(link);
                    linked
                } else {
                    vec![label, Span::Text(" (a link)".to_owned())]
                });
            }
            (None, Some(line)) if said => {
                line.extend([Span::Text(" · ".to_owned()), label]);
            }
            (None, _) => lines.push(vec![Span::Text("Choose: ".to_owned()), label]),
        }
        said = says;
    }
    inline::lines(lines)
}

fn of_card(card: &Card, markup: Markup) -> Rich {
    let title = markup.print(&card.title);
    let picture = card.picture.as_ref();
    let picture = picture.filter(|picture| markup.print(&described(picture)) != title);
    let parts = [
        picture.map(image),
        Some(inline::lines(card.texts().cloned())),
        Some(chosen(&card.buttons, markup)),
    ];
    inline::lines(parts.into_iter().flatten())
}

fn image(picture: &Picture) -> Rich {
    let mut line = vec![Span::Text("Image: ".to_owned())];
    line.extend(described(picture));
    line
}

fn described(picture: &Picture) -> Rich {
    vec![Span::Text(DESCRIPTION.clip(&picture.alt).into_owned())]
}
