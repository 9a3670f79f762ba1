//! Splitting texts that are longer than a provider takes.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use super::Markup;
use super::inline::{Rich, Span, verbatim};
use super::printers::Measure;
use crate::limits::{Counted, Size};

/// Splits a text into texts that are, printed, no longer than `size` (at least 16), in order: at the end of
/// a paragraph, else of a line, a sentence or a word. Links, code of one line and grapheme clusters stay in
/// one piece, as do emphasised texts and code blocks that go whole into the next text; one that has to be
/// cut is closed and opened again. White space at a cut is dropped, nothing else; texts without anything to
/// see are left out.
#[must_use]
pub fn split(text: &[Span], size: Size, markup: Markup, counted: Counted) -> Vec<Rich> {
    let size = size.of(&markup.print(text));
    let measure = Measure::new(markup, counted, size.unit);
    let text = loosened(text, size.max, measure, markup);
    let mut atoms = Atoms::new(measure, size.max);
    atoms.read(&text, None);
    let end = atoms.without_trailing_space(0, atoms.list.len());
    if measure.length(&text) <= size.max {
        let whole = atoms.slice(&text, 0..end);
        return Some(whole)
            .filter(|whole| !whole.is_empty())
            .into_iter()
            .collect();
    }
    let mut chunks = Vec::new();
    let mut start = 0;
    while start < end {
        let (cut, chunk) = atoms.chunk(&text, start, end);
        if !super::inline::is_blank(&chunk) {
            chunks.push(chunk);
        }
        start = atoms.without_leading_space(cut, end);
    }
    chunks
}

/// The text, with what no text has room for as plain text: links and code of one line, which stay in one
/// piece, and marks that would leave no room for what they mark.
fn loosened(text: &[Span], room: usize, measure: Measure, markup: Markup) -> Rich {
    let mut loosened_text = Rich::new();
    for span in text {
        let alone = std::slice::from_ref(span);
        match span {
            Span::Link { .. } | Span::Code(_) if measure.length(alone) > room => {
                loosened_text.push(Span::Text(Markup::Plain.print(alone)));
            }
            Span::Code(code) if is_text(code, markup) => {
                loosened_text.push(Span::Text(code.trim().to_owned()));
            }
            Span::CodeBlock(code) if measure.fences() + ENOUGH > room => {
                loosened_text.extend(verbatim(code));
            }
            other => match other.emphasis() {
                Some((style, inside)) => {
                    let left = room.saturating_sub(measure.marks(style));
                    if left < ENOUGH {
                        loosened_text.extend(loosened(inside, room, measure, markup));
                        continue;
                    }
                    let inside = loosened(inside, left, measure, markup);
                    loosened_text.push(Span::emphasised(style, inside));
                }
                None => loosened_text.push(other.clone()),
            },
        }
    }
    loosened_text
}

/// Whether a markup prints code as text, as it has to where there is a backtick in it that nothing can escape: how long
/// that is depends on what stands beside it.
fn is_text(code: &str, markup: Markup) -> bool {
    let print = |span: Span| markup.print(&[span]);
    code.contains('`')
        && print(Span::Code(code.to_owned())) == print(Span::Text(code.trim().to_owned()))
}

/// Room for one character, whatever its markup makes of it.
const ENOUGH: usize = 6;

/// What must stay in one piece: a grapheme cluster, a link, code of one line.
#[derive(Debug, Clone, Copy)]
struct Atom {
    /// What it counts.
    cost: usize,
    /// Its length in its span, in bytes.
    bytes: usize,
    /// Whether no word goes on with it.
    starts_word: bool,
    kind: Kind,
    /// The innermost node that it is in.
    node: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Newline,
    Space,
    /// It may end a sentence, before white space.
    Stop,
    /// It ends a sentence in a script that puts no space there.
    WideStop,
    Other,
}

impl Kind {
    fn of(text: &str) -> Self {
        // A space may have a combining mark, which is seen.
        let is_space = text.chars().all(char::is_whitespace);
        match text.chars().next() {
            Some('\n') if is_space => Self::Newline,
            _ if is_space => Self::Space,
            Some('.' | '!' | '?' | '…' | ':' | ';' | '।' | '؟' | '۔') => Self::Stop,
            Some('。' | '！' | '？' | '；' | '｡') => Self::WideStop,
            _ => Self::Other,
        }
    }

    const fn is_stop(self) -> bool {
        matches!(self, Self::Stop | Self::WideStop)
    }

    const fn is_space(self) -> bool {
        matches!(self, Self::Newline | Self::Space)
    }
}

/// An emphasised text, or a code block.
#[derive(Debug)]
struct Node {
    parent: Option<usize>,
    /// What its marks count, in every text that has a part of it.
    marks: usize,
    is_code: bool,
    atoms: Range<usize>,
}

/// A text as a row of atoms.
struct Atoms {
    measure: Measure,
    room: usize,
    list: Vec<Atom>,
    nodes: Vec<Node>,
}

impl Atoms {
    fn new(measure: Measure, room: usize) -> Self {
        Self {
            measure,
            room,
            list: Vec::new(),
            nodes: Vec::new(),
        }
    }

    fn read(&mut self, text: &[Span], node: Option<usize>) {
        for span in text {
            match span {
                Span::Text(text) => self.text(text, node),
                Span::CodeBlock(code) => {
                    // The fences get lines of their own where it is cut.
                    let code_node = self.open(node, self.measure.fences(), true);
                    self.text(code, Some(code_node));
                    self.close(code_node);
                }
                Span::LineBreak => self.atom(Kind::Newline, span, node),
                Span::Code(_) | Span::Link { .. } | Span::Bullet => {
                    self.atom(Kind::Other, span, node);
                }
                Span::Bold(inside)
                | Span::Italic(inside)
                | Span::Strike(inside)
                | Span::Underline(inside) => {
                    let marks = span.emphasis();
                    let marks = marks.map_or(0, |(style, _)| self.measure.marks(style));
                    let inner = self.open(node, marks, false);
                    self.read(inside, Some(inner));
                    self.close(inner);
                }
            }
        }
    }

    /// The text from `start` on, as much as there is room for, and where it ends. What stands between marks
    /// and the letters beside them is only known once it is printed.
    fn chunk(&self, text: &[Span], start: usize, end: usize) -> (usize, Rich) {
        let mut room = self.room;
        loop {
            let cut = self.cut(start, end, room);
            let chunk = self.slice(text, start..self.without_trailing_space(start, cut));
            let surplus = self.measure.length(&chunk).saturating_sub(self.room);
            if surplus == 0 || cut <= start + 1 {
                return (cut, chunk);
            }
            room = room.saturating_sub(surplus);
        }
    }

    fn open(&mut self, parent: Option<usize>, marks: usize, is_code: bool) -> usize {
        let start = self.list.len();
        self.nodes.push(Node {
            parent,
            marks,
            is_code,
            atoms: start..start,
        });
        self.nodes.len() - 1
    }

    fn close(&mut self, node: usize) {
        let end = self.list.len();
        if let Some(node) = self.nodes.get_mut(node) {
            node.atoms.end = end;
        }
    }

    fn atom(&mut self, kind: Kind, span: &Span, node: Option<usize>) {
        let cost = self.measure.length(std::slice::from_ref(span));
        self.list.push(Atom {
            cost,
            bytes: 0,
            starts_word: true,
            kind,
            node,
        });
    }

    fn text(&mut self, text: &str, node: Option<usize>) {
        let mut words = text.split_word_bound_indices().peekable();
        for (at, cluster) in text.grapheme_indices(true) {
            while words.next_if(|(start, _)| *start < at).is_some() {}
            let starts_word = words.peek().is_some_and(|(start, _)| *start == at);
            // What no text has room for as a whole is cut between its characters.
            if self.measure.plain(cluster) > self.room {
                let mut bytes = [0; 4];
                for character in cluster.chars() {
                    self.cluster(character.encode_utf8(&mut bytes), false, node);
                }
            } else {
                self.cluster(cluster, starts_word, node);
            }
        }
    }

    fn cluster(&mut self, cluster: &str, starts_word: bool, node: Option<usize>) {
        self.list.push(Atom {
            cost: self.measure.plain(cluster),
            bytes: cluster.len(),
            starts_word,
            kind: Kind::of(cluster),
            node,
        });
    }

    fn at(&self, place: usize) -> Option<&Atom> {
        self.list.get(place)
    }

    /// The nodes that an atom is in, the innermost first.
    fn nodes_of(&self, place: usize) -> impl Iterator<Item = &Node> {
        let innermost = self.at(place).and_then(|atom| atom.node);
        let node = |place: Option<usize>| self.nodes.get(place?);
        std::iter::successors(node(innermost), move |inner| node(inner.parent))
    }

    /// What an atom counts in a text that starts at `start`: with the marks of what it is the first of.
    fn cost(&self, start: usize, place: usize) -> usize {
        let marks = self
            .nodes_of(place)
            .filter(|node| node.atoms.start.max(start) == place)
            .map(|node| node.marks);
        self.at(place).map_or(0, |atom| atom.cost) + marks.sum::<usize>()
    }

    /// Where to cut a text that starts at `start`: after it, at most at `end`.
    fn cut(&self, start: usize, end: usize, room: usize) -> usize {
        // Where to cut, and how much stands before it. The last is for words without space between them.
        let mut between = (0, 0);
        // Paragraph, line, sentence, word.
        let mut best = [(0, 0); 4];
        let mut left = room;
        let mut place = start;
        let (mut last, mut before_space) = (Kind::Other, Kind::Other);
        while let Some(atom) = self.at(place).filter(|_| place < end) {
            let here = (place, room - left);
            if place > start && atom.starts_word && !atom.kind.is_space() {
                between = here;
                if last == Kind::WideStop && !atom.kind.is_stop() {
                    let [_, _, sentence, _] = &mut best;
                    *sentence = here;
                }
            }
            if atom.kind.is_space() && place > start {
                let [paragraph, line, sentence, word] = &mut best;
                if !last.is_space() {
                    before_space = last;
                }
                *word = here;
                match (atom.kind, last) {
                    (Kind::Newline, Kind::Newline) => *paragraph = here,
                    (Kind::Newline, _) => *line = here,
                    _ => {}
                }
                if before_space.is_stop() {
                    *sentence = here;
                }
            }
            let Some(remaining) = left.checked_sub(self.cost(start, place)) else {
                break;
            };
            left = remaining;
            last = atom.kind;
            place += 1;
        }
        if place == end {
            return end;
        }
        // A cut that leaves the text nearly empty is worse than one at a lesser boundary.
        let enough = (room - left) / 4;
        let [.., word] = best;
        let boundary = best
            .into_iter()
            .take(3)
            .find(|(_, before)| *before > enough);
        let boundary = boundary
            .or(Some(word).filter(|(cut, _)| *cut > start))
            .or(Some(between).filter(|(_, before)| *before > enough));
        // At least one atom, or there would be no end.
        let cut = boundary.map_or(place.max(start + 1), |(cut, _)| cut);
        self.before_whole(start, cut, room)
    }

    /// The cut, or the start of what it would cut in two where that is whole in the next text.
    fn before_whole(&self, start: usize, cut: usize, room: usize) -> usize {
        let length = |atoms: Range<usize>| -> usize {
            let first = atoms.start;
            atoms.map(|place| self.cost(first, place)).sum()
        };
        let outermost = self.nodes_of(cut).filter(|node| {
            let is_cut = node.atoms.start < cut && node.atoms.start > start;
            is_cut
                && length(start..node.atoms.start) > room / 4
                && length(node.atoms.clone()) <= room
        });
        outermost.last().map_or(cut, |node| node.atoms.start)
    }

    fn is_code(&self, place: usize) -> bool {
        self.nodes_of(place).any(|node| node.is_code)
    }

    /// The end of a text without the white space before it; code keeps its own.
    fn without_trailing_space(&self, start: usize, end: usize) -> usize {
        let shown = (start..end).rev().find(|place| {
            self.is_code(*place) || self.at(*place).is_some_and(|atom| !atom.kind.is_space())
        });
        shown.map_or(start, |place| place + 1)
    }

    /// Where a text starts after a cut: without the rest of the line that was cut, but with the next line's
    /// indentation.
    fn without_leading_space(&self, cut: usize, end: usize) -> usize {
        let starts_code = |place: usize| {
            let mut nodes = self.nodes_of(place);
            nodes.any(|node| node.is_code && node.atoms.start >= cut)
        };
        let shown = (cut..end).find(|place| {
            starts_code(*place) || self.at(*place).is_none_or(|atom| !atom.kind.is_space())
        });
        let shown = shown.unwrap_or(end);
        let newline = (cut..shown).rev().find(|place| {
            self.at(*place)
                .is_some_and(|atom| atom.kind == Kind::Newline)
        });
        newline.map_or(shown, |newline| newline + 1)
    }

    /// The part of the text that has these atoms.
    fn slice(&self, text: &[Span], atoms: Range<usize>) -> Rich {
        let mut place = 0;
        self.part(text, &atoms, &mut place)
    }

    fn part(&self, text: &[Span], atoms: &Range<usize>, place: &mut usize) -> Rich {
        let mut part = Rich::new();
        for span in text {
            match span {
                Span::Text(text) => {
                    let (text, _) = self.part_of_text(text, atoms, place);
                    if !text.is_empty() {
                        part.push(Span::Text(text.to_owned()));
                    }
                }
                Span::CodeBlock(code) => {
                    let (code, whole) = self.part_of_text(code, atoms, place);
                    let (starts, ends) = whole;
                    if code.is_empty() {
                        continue;
                    }
                    let before = if starts { "" } else { "\n" };
                    let code = if ends {
                        format!("{before}{code}")
                    } else {
                        format!("{before}{}\n", code.trim_end())
                    };
                    part.push(Span::CodeBlock(code));
                }
                Span::Code(_) | Span::Link { .. } | Span::LineBreak | Span::Bullet => {
                    if atoms.contains(place) {
                        part.push(span.clone());
                    }
                    *place += 1;
                }
                Span::Bold(inside)
                | Span::Italic(inside)
                | Span::Strike(inside)
                | Span::Underline(inside) => {
                    let inside = self.part(inside, atoms, place);
                    if let Some((style, _)) = span.emphasis().filter(|_| !inside.is_empty()) {
                        part.push(Span::emphasised(style, inside));
                    }
                }
            }
        }
        part
    }

    /// The part of one span's text, and whether it has its start and its end.
    fn part_of_text<'t>(
        &self,
        text: &'t str,
        atoms: &Range<usize>,
        place: &mut usize,
    ) -> (&'t str, (bool, bool)) {
        let (mut from, mut to, mut at) = (None, 0, 0);
        while at < text.len() {
            let bytes = self.at(*place).map_or(text.len(), |atom| atom.bytes);
            if atoms.contains(place) {
                from = from.or(Some(at));
                to = at + bytes;
            }
            at += bytes;
            *place += 1;
        }
        let from = from.unwrap_or(to);
        let part = text.get(from..to).unwrap_or_default();
        (part, (from == 0, to == text.len()))
    }
}

#[cfg(test)]
mod tests;
