//! What can be tapped (quick replies, buttons, links): buttons where the provider has them, a menu or numbered choices where it has not
//! enough, a line of text for what cannot be tapped there at all.

use super::Layout;
use crate::callback::Tap;
use crate::limits::{Codec, Shape, Size};
use crate::render::block::numbered;
use crate::render::block::{Block, Button, Role, Target};
use crate::render::fallback;
use crate::render::inline::{self, Rich, Span, read, title};
use crate::render::media::{call, dialled};
use crate::render::pack::{button_weight, fits_in};
use crate::render::web_address::web_address;
use haptik_bridge_shared::message::hsl::{Actionable, Effect, TapMessage, opened};
use haptik_bridge_shared::message::without_machine_parts;

/// How something is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// By buttons.
    Buttons,
    /// By a menu.
    Menu,
    /// By typing a number.
    Numbers,
}

/// The words that open a menu.
const OPEN: &str = "Choose";

/// The five answers to a rating.
const RATINGS: std::ops::RangeInclusive<u8> = 1..=5;

impl Layout<'_> {
    /// The blocks of some actionables, in order.
    pub(super) fn actionables(&mut self, role: Role, actionables: &[Actionable]) -> Vec<Block> {
        let first = self.actionable;
        // What a detail holds has its places behind it.
        let places = || {
            let place = |next: &mut usize, one| {
                let index = *next;
                *next += count(one);
                Some((index, one))
            };
            actionables.iter().scan(first, place)
        };
        let tapped = |mode| {
            let tapped = places().filter(|(index, one)| self.button(mode, one, *index).is_some());
            tapped.count()
        };
        let mode = self.mode(tapped(Mode::Buttons), tapped(Mode::Menu));
        let mut blocks = Vec::new();
        let mut row = Row::new(role, mode);
        for (index, actionable) in places() {
            if let Some(button) = self.button(mode, actionable, index) {
                if !self.takes(&row, &button) {
                    blocks.extend(self.finish(&mut row));
                }
                row.add(button, actionable.label());
                continue;
            }
            blocks.extend(self.finish(&mut row));
            blocks.extend(self.without_button(actionable, index));
        }
        blocks.extend(self.finish(&mut row));
        self.actionable = first + actionables.iter().map(count).sum::<usize>();
        blocks
    }

    /// How so many buttons, or else so many rows, are chosen from.
    fn mode(&self, buttons: usize, rows: usize) -> Mode {
        let is_list = matches!(self.limits.shape, Shape::Blocks { .. });
        match (self.limits.buttons, self.limits.menu) {
            (Some(room), _) if is_list || buttons <= room.most => Mode::Buttons,
            (_, Some(menu)) if is_list || rows <= menu.rows => Mode::Menu,
            _ => Mode::Numbers,
        }
    }

    /// The button of an actionable that can be one.
    pub(super) fn button(
        &self,
        mode: Mode,
        actionable: &Actionable,
        index: usize,
    ) -> Option<Button> {
        let (urls, phones) = match (mode, self.limits.buttons) {
            (Mode::Buttons, Some(buttons)) => (buttons.urls, buttons.phones),
            _ => (false, false),
        };
        let mut says = None;
        let target = match actionable.effect() {
            Effect::Say(said) => self.callback(mode, Tap::say(index, actionable, &said))?,
            Effect::Open { url, said } if urls => {
                says = said.and_then(|said| self.by_opening(index, actionable, &said));
                Target::Url(web_address(&url, self.limits.address)?)
            }
            Effect::Call { number } if phones => Target::Phone(dialled(&number)?),
            _ => return None,
        };
        Some(Button {
            index,
            label: self.label(mode, &actionable.label()),
            target,
            says,
            is_default: actionable.is_default,
        })
    }

    /// What a button carries that opens a link and says something by it, where such taps are reported.
    fn by_opening(
        &self,
        index: usize,
        actionable: &Actionable,
        said: &TapMessage,
    ) -> Option<String> {
        let buttons = self.limits.buttons.filter(|buttons| buttons.url_taps)?;
        let tap = Tap::say(index, actionable, said);
        (buttons.codec)(&self.reference, &tap, buttons.data)
    }

    fn callback(&self, mode: Mode, tap: Tap) -> Option<Target> {
        let written = |codec: Codec, room| codec(&self.reference, &tap, room);
        let data = match (mode, self.limits.buttons, self.limits.menu) {
            (Mode::Buttons, Some(buttons), _) => Some(written(buttons.codec, buttons.data)?),
            (Mode::Menu, _, Some(menu)) => Some(written(menu.codec, menu.data)?),
            _ => None,
        };
        Some(Target::Callback { tap, data })
    }

    fn label(&self, mode: Mode, label: &str) -> String {
        let label = inline::label(label, self.room_for_label(mode));
        label.unwrap_or_else(|| "…".to_owned())
    }

    fn room_for_label(&self, mode: Mode) -> Size {
        match (mode, self.limits.buttons, self.limits.menu) {
            (Mode::Buttons, Some(buttons), _) => buttons.label,
            (Mode::Menu, _, Some(menu)) => menu.title,
            // A line is at most an eighth of a text, markup included.
            _ => Size {
                max: self.limits.section().max / 8,
                ..self.limits.section()
            },
        }
    }

    /// What stands for an actionable that is no button.
    fn without_button(&mut self, actionable: &Actionable, index: usize) -> Vec<Block> {
        let label = read(&actionable.label());
        let line = |before: &str, between: &str, after: Rich| {
            let mut line = vec![Span::Text(before.to_owned())];
            line.extend(label.clone());
            line.push(Span::Text(between.to_owned()));
            line.extend(after);
            line
        };
        let asks = |sign: &str, what: &str| {
            let mut line = line(sign, "", Rich::new());
            line.push(Span::LineBreak);
            line.extend(read(what));
            line
        };
        match actionable.effect() {
            Effect::Open { url, .. } => self.texts(&line("", ": ", inline::address(&url))),
            Effect::Call { number } => self.texts(&line("📞 ", ": ", telephone(&number))),
            Effect::Location => self.texts(&asks("📍 ", "Type the place or the address here.")),
            Effect::Upload => self.texts(&asks("📎 ", "Send the file here.")),
            Effect::Detail => self.detail(actionable, index),
            Effect::Feedback => self.rating(&label, index),
            Effect::Share => self.shared(actionable),
            // Only what even a reference has no room for comes here.
            Effect::Say(said) => self.texts(&read(&said.shown)),
        }
    }

    /// What is there to be passed on: there is no app here that would.
    fn shared(&mut self, actionable: &Actionable) -> Vec<Block> {
        let payload = &actionable.payload;
        let message = read(&without_machine_parts(&payload.message));
        let label = actionable.label();
        let mut line = read(&label);
        if !inline::is_blank(&message) {
            line.push(Span::Text(": ".to_owned()));
            line.extend(message);
        }
        let mut blocks = self.texts(&line);
        let titles = [payload.title.as_str(), label.as_str()];
        for image in &payload.images {
            blocks.extend(self.picture(image, &titles));
        }
        blocks
    }

    /// A detail view: shown at once, below what offers it.
    fn detail(&mut self, actionable: &Actionable, index: usize) -> Vec<Block> {
        let payload = &actionable.payload;
        let urls = self.limits.buttons.is_some_and(|buttons| buttons.urls);
        let url = opened(&payload.url);
        let address = url
            .as_deref()
            .and_then(|url| web_address(url, self.limits.address));
        let caption = if address.is_some() && urls {
            Rich::new()
        } else {
            read(&actionable.label())
        };
        let mut blocks = self.notices(&caption, None);
        blocks.extend(self.texts(&inline::lines([
            title(&payload.title),
            read(&payload.sub_title),
            read(&payload.description),
        ])));
        let label = actionable.label();
        let titles = [payload.title.as_str(), label.as_str()];
        for image in &payload.images {
            blocks.extend(self.picture(image, &titles));
        }
        match (address, url) {
            (Some(address), _) if urls => blocks.push(Block::Buttons {
                id: 0,
                role: Role::Buttons,
                buttons: vec![Button {
                    index,
                    label: self.label(Mode::Buttons, &label),
                    target: Target::Url(address),
                    says: None,
                    is_default: false,
                }],
            }),
            (_, Some(url)) => blocks.extend(self.texts(&inline::address(&url))),
            (_, None) => {}
        }
        // Its own buttons, and its cards: their places follow that of the detail.
        let outer = std::mem::replace(&mut self.actionable, index + 1);
        blocks.extend(self.actionables(Role::Buttons, &payload.actionables));
        for card in &payload.items {
            blocks.extend(self.card(card, &payload.title));
        }
        self.actionable = outer;
        blocks
    }

    /// A rating of 1 to 5.
    fn rating(&mut self, label: &[Span], index: usize) -> Vec<Block> {
        let count = RATINGS.count();
        let mode = self.mode(count, count);
        let mut row = Row::new(Role::Rating, mode);
        for rating in RATINGS {
            if let Some(target) = self.callback(mode, Tap::Rate { index, rating }) {
                let label = format!("{rating} ★");
                let button = Button {
                    index,
                    label: label.clone(),
                    target,
                    says: None,
                    is_default: false,
                };
                row.add(button, label);
            }
        }
        let mut blocks = self.texts(label);
        blocks.extend(self.finish(&mut row));
        blocks
    }

    /// Whether there is room for another button in a row.
    fn takes(&self, row: &Row, button: &Button) -> bool {
        let most = match (row.mode, self.limits.buttons, self.limits.menu) {
            (Mode::Buttons, Some(buttons), _) => buttons.most,
            (Mode::Menu, _, Some(menu)) => menu.rows,
            _ => usize::MAX,
        };
        let buttons = || {
            let buttons = row.buttons.iter().chain([button]).cloned();
            buttons.collect::<Vec<_>>()
        };
        let has_room = match (row.mode, self.limits.shape) {
            (Mode::Numbers, _) => {
                let lines = numbered(self.choice, &buttons());
                fits_in(&lines, self.limits.section(), self.limits)
            }
            (_, Shape::Bubble) => true,
            (_, Shape::Blocks { weight, .. }) => {
                let weights = |one: &Button| button_weight(one, self.limits);
                let held: usize = row.buttons.iter().map(weights).sum();
                let markup = self.limits.markup;
                let text = || markup.print(&fallback::chosen(&buttons(), markup));
                held + weights(button) <= weight.max
                    && self.limits.text.unit.length(&text()) < self.limits.text.max
            }
        };
        row.buttons.len() < most && has_room
    }

    /// The blocks of a row of buttons, which is empty afterwards.
    fn finish(&mut self, row: &mut Row) -> Vec<Block> {
        let full = Row::new(row.role, row.mode);
        let Row {
            role,
            mode,
            buttons,
            labels,
        } = std::mem::replace(row, full);
        if buttons.is_empty() {
            return Vec::new();
        }
        let mut blocks = if tells_apart(&buttons) {
            Vec::new()
        } else {
            self.texts(&listed(&labels))
        };
        let first = self.choice;
        blocks.push(match mode {
            Mode::Buttons => Block::Buttons {
                id: 0,
                role,
                buttons,
            },
            Mode::Menu => Block::Menu {
                id: 0,
                role,
                open: OPEN.to_owned(),
                rows: buttons,
            },
            Mode::Numbers => {
                self.choice += buttons.len();
                Block::Numbered {
                    first,
                    choices: buttons,
                }
            }
        });
        blocks
    }
}

/// Buttons that stand in one block, and their labels as they were before they were cut.
#[derive(Debug)]
struct Row {
    role: Role,
    mode: Mode,
    buttons: Vec<Button>,
    labels: Vec<String>,
}

impl Row {
    const fn new(role: Role, mode: Mode) -> Self {
        Self {
            role,
            mode,
            buttons: Vec::new(),
            labels: Vec::new(),
        }
    }

    fn add(&mut self, button: Button, label: String) {
        self.buttons.push(button);
        self.labels.push(label);
    }
}

/// Whether no two labels were cut to the same text.
fn tells_apart(buttons: &[Button]) -> bool {
    let mut cut: Vec<&str> = buttons
        .iter()
        .map(|button| button.label.as_str())
        .filter(|label| label.ends_with(['…', '.']))
        .collect();
    let all = cut.len();
    cut.sort_unstable();
    cut.dedup();
    cut.len() == all
}

/// How many places an actionable takes: its own, and those of what its detail holds.
fn count(actionable: &Actionable) -> usize {
    1 + actionable.inner().map(count).sum::<usize>()
}

/// Labels as the items of a list.
fn listed(labels: &[String]) -> Rich {
    inline::lines(labels.iter().map(|label| {
        let mut line = vec![Span::Bullet];
        line.extend(inline::verbatim(&inline::one_line(label)));
        line
    }))
}

/// A number that can be tapped on a telephone.
fn telephone(number: &str) -> Rich {
    match call(number) {
        Some(url) => vec![Span::Link {
            url,
            label: inline::one_line(number),
        }],
        None => read(number),
    }
}
