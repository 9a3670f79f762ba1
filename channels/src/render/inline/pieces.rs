//! Pieces of a text, each with all its styles → spans, one within the other. So styles may meet, overlap and
//! cross in any way, and none is left open.

use super::{Rich, Span, Style, address};

/// A piece of a text.
#[derive(Debug, Clone)]
struct Piece {
    kind: Kind,
    styles: Styles,
    /// The link that it is in.
    link: Option<usize>,
}

/// What a piece is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Text(String),
    Code(String),
    CodeBlock(String),
    Link { url: String, label: String },
    LineBreak,
    Bullet,
}

/// The styles of a piece: for each of [`ORDER`], whether it has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Styles([bool; 4]);

/// The styles, the outermost first where they are equally long.
const ORDER: [Style; 4] = [Style::Bold, Style::Italic, Style::Strike, Style::Underline];

/// The pieces of a text, as they come.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    list: Vec<Piece>,
    open: Vec<Style>,
    /// Where the links lead, and which of them are open.
    links: Vec<String>,
    open_links: Vec<usize>,
}

impl Pieces {
    pub(super) fn open(&mut self, style: Style) {
        self.open.push(style);
    }

    pub(super) fn close(&mut self, style: Style) {
        if let Some(place) = self.open.iter().rposition(|open| *open == style) {
            self.open.remove(place);
        }
    }

    pub(super) fn open_link(&mut self, address: &str) {
        self.open_links.push(self.links.len());
        self.links.push(address.trim().to_owned());
        // A link without a label shows its address.
        self.push(Kind::Text(String::new()));
    }

    pub(super) fn close_link(&mut self) {
        self.open_links.pop();
    }

    /// A web address as it was written.
    pub(super) fn address(&mut self, written: &str) {
        match link(written) {
            Some(link) if self.open_links.is_empty() => self.push(link),
            _ => self.text(written),
        }
    }

    /// Text, of any number of lines.
    pub(super) fn text(&mut self, text: &str) {
        let mut lines = text.split('\n');
        self.line(lines.next().unwrap_or_default());
        for line in lines {
            self.push(Kind::LineBreak);
            self.line(line);
        }
    }

    fn line(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let (styles, link) = (self.styles(), self.open_links.first().copied());
        match self.list.last_mut() {
            Some(Piece {
                kind: Kind::Text(before),
                styles: its,
                link: other,
            }) if *its == styles && *other == link => {
                before.push_str(text);
            }
            _ => self.push(Kind::Text(text.to_owned())),
        }
    }

    pub(super) fn push(&mut self, kind: Kind) {
        let styles = match kind {
            // A style ends with its line and begins again on the next: Slack wants it so.
            Kind::LineBreak | Kind::Bullet | Kind::CodeBlock(_) => Styles::default(),
            Kind::Text(_) | Kind::Code(_) | Kind::Link { .. } => self.styles(),
        };
        let link = self.open_links.first().copied();
        self.list.push(Piece { kind, styles, link });
    }

    /// A single star is bold, and italic too where it meets bold of two stars.
    fn styles(&self) -> Styles {
        let is_open = |style| self.open.contains(&style);
        let stars = is_open(Style::Star);
        let bold = is_open(Style::Bold);
        Styles([
            bold || stars,
            is_open(Style::Italic) || (bold && stars),
            is_open(Style::Strike),
            is_open(Style::Underline),
        ])
    }

    /// The spans of the text.
    pub(super) fn finish(mut self) -> Rich {
        let pieces = std::mem::take(&mut self.list);
        let pieces = self.with_links(pieces);
        nested(&with_bullets(with_addresses(pieces)))
    }

    /// The links, in one piece each.
    fn with_links(&self, pieces: Vec<Piece>) -> Vec<Piece> {
        let mut linked: Vec<Piece> = Vec::with_capacity(pieces.len());
        let mut pieces = pieces.into_iter().peekable();
        while let Some(piece) = pieces.next() {
            let Some(link) = piece.link else {
                linked.push(piece);
                continue;
            };
            let mut within = vec![piece];
            while let Some(next) = pieces.next_if(|next| next.link == Some(link)) {
                within.push(next);
            }
            let address = self.links.get(link).map_or("", String::as_str);
            linked.extend(in_one_piece(within, address));
        }
        linked.retain(|piece| !matches!(&piece.kind, Kind::Text(text) if text.is_empty()));
        linked
    }
}

/// A web address, as it was written, as a link that shows it.
fn link(written: &str) -> Option<Kind> {
    let url = address::opened(written)?;
    let shown = written.replace("&amp;", "&");
    let label = if url == shown { String::new() } else { shown };
    Some(Kind::Link { url, label })
}

/// A link; its label and its address where it cannot be opened.
fn in_one_piece(within: Vec<Piece>, address: &str) -> Vec<Piece> {
    let label: Vec<&str> = within.iter().map(|piece| piece.kind.shown()).collect();
    let label = super::one_line(&label.concat());
    let seen = within
        .iter()
        .filter(|piece| !piece.kind.shown().trim().is_empty());
    let styles = seen
        .map(|piece| piece.styles)
        .reduce(Styles::and)
        .unwrap_or_default();
    let piece = |kind, styles| Piece {
        kind,
        styles,
        link: None,
    };
    if let Some(url) = address::opened(address) {
        let label = if label == url || label == address || label == address::shown(&url) {
            String::new()
        } else {
            label
        };
        return vec![piece(Kind::Link { url, label }, styles)];
    }
    let mut pieces: Vec<Piece> = within
        .into_iter()
        .map(|one| Piece { link: None, ..one })
        .collect();
    let address = super::one_line(address);
    if label.is_empty() {
        pieces.push(piece(Kind::Text(address), styles));
    } else if !address.is_empty() && !label.contains(&address) {
        pieces.push(piece(
            Kind::Text(format!(" ({address})")),
            Styles::default(),
        ));
    }
    pieces
}

/// The pieces, with the addresses that stand in their texts as links.
fn with_addresses(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut linked = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let Piece {
            kind: Kind::Text(text),
            styles,
            ..
        } = &piece
        else {
            linked.push(piece);
            continue;
        };
        let mut from = 0;
        let mut push = |kind| {
            linked.push(Piece {
                kind,
                styles: *styles,
                link: None,
            });
        };
        for range in address::found(text) {
            let written = text.get(range.clone()).unwrap_or_default();
            let Some(link) = link(written) else {
                continue;
            };
            let before = text.get(from..range.start).unwrap_or_default();
            if !before.is_empty() {
                push(Kind::Text(before.to_owned()));
            }
            push(link);
            from = range.end;
        }
        let rest = text.get(from..).unwrap_or_default();
        if !rest.is_empty() {
            push(Kind::Text(rest.to_owned()));
        }
    }
    linked
}

/// The pieces, with the signs of items at the starts of lines told apart.
fn with_bullets(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut told: Vec<Piece> = Vec::with_capacity(pieces.len());
    for mut piece in pieces {
        let starts_line = told.last().is_none_or(|last| last.kind == Kind::LineBreak);
        if let Kind::Text(text) = &mut piece.kind
            && starts_line
            && text.starts_with("• ")
        {
            text.drain(.."• ".len());
            told.push(Piece {
                kind: Kind::Bullet,
                styles: Styles::default(),
                link: None,
            });
            if text.is_empty() {
                continue;
            }
        }
        told.push(piece);
    }
    told
}

/// Pieces as spans: the style that goes on longest is outermost. White space at its ends stands outside of it:
/// no provider takes a mark beside a space for one.
fn nested(pieces: &[Piece]) -> Rich {
    let mut spans = Rich::new();
    let mut rest = pieces;
    while let Some(first) = rest.first() {
        let runs = (0..ORDER.len())
            .filter(|style| first.styles.has(*style))
            .map(|style| {
                let run = rest
                    .iter()
                    .take_while(|piece| piece.styles.has(style))
                    .count();
                (run, style)
            });
        // The first of those that are equally long.
        let longest = runs.reduce(|best, other| if other.0 > best.0 { other } else { best });
        let Some((run, style)) = longest else {
            push(&mut spans, first.kind.clone());
            rest = rest.get(1..).unwrap_or_default();
            continue;
        };
        let (within, after) = rest.split_at_checked(run).unwrap_or((rest, &[]));
        let mut within: Vec<Piece> = within
            .iter()
            .map(|piece| Piece {
                styles: piece.styles.without(style),
                ..piece.clone()
            })
            .collect();
        let before = leading_space(&mut within);
        let behind = trailing_space(&mut within);
        push_text(&mut spans, before);
        if let Some(style) = ORDER.get(style).filter(|_| !within.is_empty()) {
            spans.push(Span::emphasised(*style, nested(&within)));
        }
        push_text(&mut spans, behind);
        rest = after;
    }
    spans
}

/// Takes the white space that pieces begin with.
fn leading_space(pieces: &mut Vec<Piece>) -> String {
    let mut space = String::new();
    while let Some(Piece {
        kind: Kind::Text(text),
        ..
    }) = pieces.first_mut()
    {
        let words = text.trim_start().len();
        space.extend(text.drain(..text.len() - words));
        if words > 0 {
            break;
        }
        pieces.remove(0);
    }
    space
}

/// Takes the white space that pieces end with.
fn trailing_space(pieces: &mut Vec<Piece>) -> String {
    let mut space = String::new();
    while let Some(Piece {
        kind: Kind::Text(text),
        ..
    }) = pieces.last_mut()
    {
        let words = text.trim_end().len();
        space.insert_str(0, &text.split_off(words));
        if words > 0 {
            break;
        }
        pieces.pop();
    }
    space
}

fn push_text(spans: &mut Rich, text: String) {
    if !text.is_empty() {
        push(spans, Kind::Text(text));
    }
}

fn push(spans: &mut Rich, kind: Kind) {
    let span = match kind {
        Kind::Text(text) => {
            if let Some(Span::Text(before)) = spans.last_mut() {
                return before.push_str(&text);
            }
            Span::Text(text)
        }
        Kind::Code(code) => Span::Code(code),
        Kind::CodeBlock(code) => Span::CodeBlock(code),
        Kind::Link { url, label } => Span::Link { url, label },
        Kind::LineBreak => Span::LineBreak,
        Kind::Bullet => Span::Bullet,
    };
    spans.push(span);
}

impl Kind {
    fn shown(&self) -> &str {
        match self {
            Self::Text(text) | Self::Code(text) | Self::CodeBlock(text) => text,
            Self::Link { url, label } if label.is_empty() => url,
            Self::Link { label, .. } => label,
            Self::LineBreak => " ",
            Self::Bullet => "• ",
        }
    }
}

impl Styles {
    fn has(self, style: usize) -> bool {
        self.0.get(style).copied().unwrap_or_default()
    }

    fn without(mut self, style: usize) -> Self {
        if let Some(has) = self.0.get_mut(style) {
            *has = false;
        }
        self
    }

    fn and(self, other: Self) -> Self {
        Self(std::array::from_fn(|style| {
            self.has(style) && other.has(style)
        }))
    }
}
