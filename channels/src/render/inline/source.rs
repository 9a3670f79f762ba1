//! What comes before Markdown: a text in which all that Markdown has not, or would take for something else,
//! is one character each, which stands for a [`Token`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

use super::Style;
use super::address;
use super::html::{self, Meaning};

/// `CommonMark`, with what is struck through, and tables.
pub(super) const OPTIONS: Options = Options::ENABLE_STRIKETHROUGH.union(Options::ENABLE_TABLES);

/// Stands for a token; Markdown takes it for punctuation.
pub(super) const MARK: char = '\u{2058}';

/// Stands for a token; Markdown takes it for a letter. No text has it: it is no character.
pub(super) const LETTER: char = '\u{fdd0}';

/// What a character stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Itself, or another character, which is no markup.
    Character(char),
    /// A web address, as it was written.
    Address(String),
    /// A style begins.
    Open(Style),
    /// A style ends.
    Close(Style),
    /// A link begins, to this address.
    Link(String),
    /// A link ends.
    LinkEnd,
    /// Nothing.
    Nothing,
}

/// A text for Markdown.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The text.
    pub(super) text: String,
    /// What its characters stand for, by their places.
    pub(super) tokens: BTreeMap<usize, Token>,
    /// Blank lines or line ends that are due before what comes next.
    due: usize,
    /// For each list that is open, the number of its last item; `None` where items have none.
    lists: Vec<Option<usize>>,
}

/// A part of the text that is no mere text.
enum Part {
    /// It is left to Markdown as it is.
    Kept,
    /// A web address.
    Address,
    /// A tag.
    Html(Meaning),
}

impl Source {
    /// Reads a text.
    pub(super) fn read(text: &str) -> Self {
        let text = fences_on_lines_of_their_own(&html_code(text));
        let mut source = Self::default();
        let mut at = 0;
        for (range, part) in parts(&text) {
            if range.start < at {
                continue;
            }
            source.plain(&text, at..range.start);
            let written = text.get(range.clone()).unwrap_or_default();
            match part {
                Part::Kept => source.push_str(written),
                Part::Address => source.token(LETTER, Token::Address(written.to_owned())),
                Part::Html(meaning) => source.html(meaning),
            }
            at = range.end;
            if matches!(text.get(range), Some(tag) if is_break(tag)) {
                // The line ends once.
                at += usize::from(text.get(at..).is_some_and(|rest| rest.starts_with('\n')));
            }
        }
        source.plain(&text, at..text.len());
        source
    }

    /// The tokens in a part of the text, in order; none where it ends before it begins.
    pub(super) fn tokens_in(&self, range: Range<usize>) -> impl Iterator<Item = &Token> {
        let range = range.start..range.end.max(range.start);
        self.tokens.range(range).map(|(_, token)| token)
    }

    fn token(&mut self, stands: char, token: Token) {
        self.settle();
        self.tokens.insert(self.text.len(), token);
        self.text.push(stands);
    }

    fn push_str(&mut self, text: &str) {
        if !text.is_empty() {
            self.settle();
            self.text.push_str(text);
        }
    }

    fn push(&mut self, character: char) {
        if self.due > 0 && character.is_whitespace() {
            return;
        }
        self.settle();
        self.text.push(character);
    }

    /// Writes the line ends that are due.
    fn settle(&mut self) {
        let due = std::mem::take(&mut self.due);
        if due == 0 {
            return;
        }
        let seen = self.text.trim_end_matches([' ', '\t']).len();
        self.text.truncate(seen);
        self.tokens.retain(|at, _| *at < seen);
        if seen > 0 {
            let there = seen - self.text.trim_end_matches('\n').len();
            self.text.push_str(&"\n".repeat(due.saturating_sub(there)));
        }
    }

    fn html(&mut self, meaning: Meaning) {
        match meaning {
            Meaning::Open(style) => self.token(MARK, Token::Open(style)),
            Meaning::Close(style) => self.closing(Token::Close(style)),
            Meaning::Link(address) => self.token(MARK, Token::Link(address)),
            Meaning::LinkEnd => self.closing(Token::LinkEnd),
            Meaning::Break => {
                self.settle();
                self.text.push('\n');
            }
            Meaning::Paragraph => self.due = self.due.max(2),
            Meaning::List(numbered) => {
                self.due = self.due.max(1);
                self.lists.push(numbered.then_some(0));
            }
            Meaning::ListEnd => {
                self.lists.pop();
                self.due = self.due.max(1);
            }
            Meaning::Item => {
                self.due = self.due.max(1);
                let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(4));
                let sign = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{indent}{number}. ")
                    }
                    _ => format!("{indent}• "),
                };
                self.push_str(&sign);
            }
            Meaning::ItemEnd | Meaning::Line => self.due = self.due.max(1),
            Meaning::Heading => {
                self.due = self.due.max(1);
                self.token(MARK, Token::Open(Style::Bold));
            }
            Meaning::HeadingEnd => {
                self.closing(Token::Close(Style::Bold));
                self.due = self.due.max(1);
            }
            Meaning::Cell => {
                let begins_line = self.due > 0 || self.text.is_empty() || self.text.ends_with('\n');
                if !begins_line {
                    let seen = self.text.trim_end_matches([' ', '\t']).len();
                    self.text.truncate(seen);
                    self.push_str(" | ");
                }
            }
            Meaning::Picture(address, alternative) => {
                self.token(MARK, Token::Link(address));
                let whole = 0..alternative.len();
                self.plain(&alternative, whole);
                self.token(MARK, Token::LinkEnd);
            }
            Meaning::Nothing => {}
        }
    }

    /// A token that ends something stands before the line ends that are due.
    fn closing(&mut self, token: Token) {
        let due = std::mem::take(&mut self.due);
        self.token(MARK, token);
        self.due = due;
    }

    /// Text in which only Markdown may be.
    fn plain(&mut self, text: &str, range: Range<usize>) {
        let mut at = range.start;
        while let Some(character) = text.get(at..range.end).and_then(|rest| rest.chars().next()) {
            let length = character.len_utf8();
            let next = text.get(at + length..).and_then(|rest| rest.chars().next());
            match character {
                MARK | LETTER => self.token(LETTER, Token::Character(character)),
                '<' => self.token(LETTER, Token::Character('<')),
                '\\' if next == Some('<') => {}
                '\\' if next.is_some_and(|next| next.is_ascii_punctuation())
                    && at + 1 < range.end =>
                {
                    self.push_str(text.get(at..at + 2).unwrap_or_default());
                    at += 1;
                }
                '#' if is_bare_number_sign(text, at) => self.token(LETTER, Token::Character('#')),
                '*' | '~' => {
                    let rest = text.get(at..range.end).unwrap_or_default();
                    let run = rest.len() - rest.trim_start_matches(character).len();
                    self.marks(text, at..at + run, character);
                    at += run;
                    continue;
                }
                other => self.push(other),
            }
            at += length;
        }
    }

    /// A run of stars or tildes.
    fn marks(&mut self, text: &str, run: Range<usize>, mark: char) {
        let before = text.get(..run.start).unwrap_or_default();
        let after = text.get(run.end..).unwrap_or_default();
        if mark == '*' && run.len() == 1 && is_factor(before, after) {
            return self.token(LETTER, Token::Character('*'));
        }
        // Markdown has no style there: `**“so”**` is none between letters. For scripts that put no space
        // around it, and wherever there is no ASCII, it is one.
        let letter = |other: Option<char>| {
            other.is_some_and(|other| !other.is_ascii() && other.is_alphanumeric())
        };
        let sign = |other: Option<char>| {
            other.is_some_and(|other| !other.is_alphanumeric() && !other.is_whitespace())
        };
        let (left, right) = (before.chars().next_back(), after.chars().next());
        if letter(left) && sign(right) {
            self.token(MARK, Token::Nothing);
        }
        self.push_str(text.get(run).unwrap_or_default());
        if sign(left) && letter(right) {
            self.token(MARK, Token::Nothing);
        }
    }
}

fn is_break(tag: &str) -> bool {
    tag.get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("<br"))
}

/// Whether a star multiplies: between letters or digits of which one stands alone, or is part of a number.
fn is_factor(before: &str, after: &str) -> bool {
    let is_word = |character: char| character.is_ascii_alphanumeric();
    let left = before.len() - before.trim_end_matches(is_word).len();
    let right = after.len() - after.trim_start_matches(is_word).len();
    let left = before.get(before.len() - left..).unwrap_or_default();
    let right = after.get(..right).unwrap_or_default();
    let is_operand = |word: &str| word.len() == 1 || word.bytes().all(|byte| byte.is_ascii_digit());
    !left.is_empty() && !right.is_empty() && (is_operand(left) || is_operand(right))
}

/// Whether a `#` at the start of a line stands before no words: `# 5` is no heading.
fn is_bare_number_sign(text: &str, at: usize) -> bool {
    let line_start = text.get(..at).is_some_and(|before| {
        let line = before.rsplit('\n').next().unwrap_or_default();
        line.bytes().all(|byte| byte == b' ')
    });
    let line = text.get(at..).unwrap_or_default();
    let line = line.split('\n').next().unwrap_or_default();
    line_start && !line.contains(char::is_alphabetic)
}

/// A text whose code in HTML is code in Markdown.
fn html_code(text: &str) -> Cow<'_, str> {
    if !text.contains("</") {
        return text.into();
    }
    let code = code(text);
    html::code_as_markdown(text, |at| is_within(&code, at))
}

/// Whether a place is in one of these, which are in order.
fn is_within(ranges: &[Range<usize>], at: usize) -> bool {
    let next = ranges.partition_point(|range| range.end <= at);
    ranges.get(next).is_some_and(|range| range.contains(&at))
}

/// The parts of a text that are no mere text, by their places.
fn parts(text: &str) -> Vec<(Range<usize>, Part)> {
    let code = code(text);
    let is_code = |at: usize| is_within(&code, at);
    let tags = html::tags(text, is_code);
    let addresses = address::found(text).into_iter();
    let addresses = addresses
        .filter(|range| address::opened(text.get(range.clone()).unwrap_or_default()).is_some());
    let kept = code
        .iter()
        .cloned()
        .chain(autolinks(text))
        .chain(destinations(text));
    let mut parts: Vec<(Range<usize>, Part)> = kept.map(|range| (range, Part::Kept)).collect();
    parts.extend(
        tags.into_iter()
            .map(|tag| (tag.range, Part::Html(tag.meaning))),
    );
    parts.extend(addresses.map(|range| (range, Part::Address)));
    // Of those that start together, the first of these kinds.
    parts.sort_by_key(|(range, _)| range.start);
    parts
}

/// Where code is.
fn code(text: &str) -> Vec<Range<usize>> {
    if !text.contains(['`', '~']) {
        return Vec::new();
    }
    // What begins as a block of HTML would hide what is code in it.
    let text = text.replace('<', ".");
    let events = Parser::new_ext(&text, OPTIONS).into_offset_iter();
    let code: BTreeSet<(usize, usize)> = events
        .filter(|(event, _)| {
            matches!(
                event,
                Event::Code(_) | Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_)))
            )
        })
        .map(|(_, range)| (range.start, range.end))
        .collect();
    code.into_iter().map(|(start, end)| start..end).collect()
}

/// Where `<https://a.example>` and `<help@a.example>` are.
fn autolinks(text: &str) -> Vec<Range<usize>> {
    let opening = text.match_indices('<');
    let link = |(start, _): (usize, &str)| {
        let inside = text.get(start + 1..)?;
        let end = inside.find(|character: char| {
            character.is_whitespace() || character.is_control() || "<>".contains(character)
        })?;
        let (inside, rest) = inside.split_at_checked(end)?;
        let has_scheme = inside.split_once(':').is_some_and(|(scheme, _)| {
            scheme.len() > 1
                && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        });
        // What Slack writes has a label behind a bar.
        let is_link = (has_scheme || inside.contains('@')) && !inside.starts_with(['@', '!', '#']);
        (is_link && rest.starts_with('>') && !inside.contains('|'))
            .then_some(start..start + end + 2)
    };
    opening.filter_map(link).collect()
}

/// Where the addresses of `[label](address)` and of `[label]: address` are.
fn destinations(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let last = |found: &[Range<usize>]| found.last().map_or(0, |range| range.end);
    for (bracket, sign) in text.match_indices("](").chain(text.match_indices("]:")) {
        let start = bracket + sign.len();
        if sign == "](" && start < last(&found) {
            continue;
        }
        let rest = text.get(start..).unwrap_or_default();
        let trimmed = rest.trim_start();
        let start = start + rest.len() - trimmed.len();
        let is_angled = trimmed.starts_with('<');
        let mut depth = 0_usize;
        let end = trimmed
            .char_indices()
            .find(|(at, character)| match character {
                '>' if is_angled => true,
                '\n' => true,
                _ if is_angled => false,
                '(' => {
                    depth += 1;
                    false
                }
                ')' if depth == 0 => true,
                ')' => {
                    depth -= 1;
                    false
                }
                other => other.is_whitespace() || *at > 4_000,
            });
        let end = end.map_or(trimmed.len(), |(at, last)| {
            at + usize::from(is_angled && last == '>')
        });
        if end > 0 {
            found.push(start..start + end);
        }
    }
    found
}

/// A text in which fences stand on lines of their own, as Markdown wants them: people write code between
/// three backticks within a line, too, and mean a block where it has several lines.
fn fences_on_lines_of_their_own(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<usize> = None;
    let mut from = 0;
    while let Some((start, end)) = fence(text, from) {
        let run = end - start;
        let line = text
            .get(..start)
            .and_then(|before| before.rsplit('\n').next());
        // A fence in a quotation stands behind its sign.
        let starts_line = line.is_none_or(|line| line.trim_matches([' ', '\t', '>']).is_empty());
        let after = text.get(end..).unwrap_or_default();
        let rest = after.split('\n').next().unwrap_or_default();
        out.push_str(text.get(from..start).unwrap_or_default());
        from = end;
        let written = text.get(start..end).unwrap_or_default();
        match open {
            None if rest.contains("```") => {
                // Code of one line.
                let closing = fence(text, end).map_or(end, |(_, closing)| closing);
                out.push_str(text.get(start..closing).unwrap_or_default());
                from = closing;
                continue;
            }
            None if starts_line => open = Some(run),
            None if after.contains("```") => {
                out.truncate(out.trim_end_matches(' ').len());
                out.push('\n');
                open = Some(run);
            }
            Some(opening) if run >= opening => {
                let is_closed_later = after.contains("\n```");
                let goes_on = !rest.trim().is_empty();
                let closes = if starts_line {
                    !goes_on || rest.starts_with([' ', '\t'])
                } else {
                    !is_closed_later
                };
                if closes {
                    open = None;
                    if !starts_line {
                        out.push('\n');
                    }
                    if goes_on {
                        out.push_str(written);
                        out.push('\n');
                        from += rest.len() - rest.trim_start().len();
                        continue;
                    }
                }
            }
            None | Some(_) => {}
        }
        out.push_str(written);
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// Where the next three or more backticks are.
fn fence(text: &str, from: usize) -> Option<(usize, usize)> {
    let start = from + text.get(from..)?.find("```")?;
    let rest = text.get(start..)?;
    Some((
        start,
        start + rest.len() - rest.trim_start_matches('`').len(),
    ))
}
