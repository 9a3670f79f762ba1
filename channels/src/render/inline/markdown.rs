//! Markdown's events → pieces. What is no markup stays where it was written: line breaks, blank lines,
//! indentation, the numbers of a list.

use std::collections::BTreeSet;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Parser, Tag, TagEnd};

use super::pieces::{Kind, Pieces};
use super::source::{LETTER, MARK, OPTIONS, Source, Token};
use super::{Style, address};

/// How deep indented text may be in indented text; deeper, it is left as it is.
const DEEPEST: usize = 8;

/// Reads a text into pieces.
pub(super) fn read(text: &str, pieces: &mut Pieces) {
    nested(text, pieces, 0);
}

fn nested(text: &str, pieces: &mut Pieces, depth: usize) {
    let source = Source::read(text);
    let mut parser = Parser::new_ext(&source.text, OPTIONS).into_offset_iter();
    let events: Vec<(Event<'_>, Range<usize>)> = parser.by_ref().collect();
    let definitions = parser.reference_definitions();
    let is_used = events.iter().any(|(event, _)| {
        let Event::Start(Tag::Link { id, .. } | Tag::Image { id, .. }) = event else {
            return false;
        };
        !id.is_empty() && definitions.get(id).is_some()
    });
    let definitions = definitions.iter().filter(|_| is_used);
    let definitions = definitions.map(|(_, one)| (one.span.start, one.span.end));
    let mut walk = Reader {
        source: &source,
        definitions: definitions.collect(),
        bullets: bullets(&events, &source.text),
        pieces,
        at: 0,
        tables: None,
        ends: Vec::new(),
        collapsed: Vec::new(),
        depth,
    };
    let mut events = events.into_iter();
    while let Some((event, range)) = events.next() {
        walk.event(event, range, &mut events);
    }
    walk.layout(source.text.len());
}

/// Where the stars are that mark items: of a list of several, or of one within another.
fn bullets(events: &[(Event<'_>, Range<usize>)], text: &str) -> BTreeSet<usize> {
    // The stars of each list that is open, and whether it is in a list or has one in it.
    let mut lists: Vec<(Vec<usize>, bool)> = Vec::new();
    let mut bullets = BTreeSet::new();
    for (event, range) in events {
        match event {
            Event::Start(Tag::List(_)) => {
                let outer = lists.last_mut();
                let is_inner = outer.map(|(_, is_nested)| *is_nested = true).is_some();
                lists.push((Vec::new(), is_inner));
            }
            Event::Start(Tag::Item) => {
                let item = text.get(range.clone()).unwrap_or_default();
                let indent = item.len() - item.trim_start().len();
                if let Some((list, _)) = lists
                    .last_mut()
                    .filter(|_| item.trim_start().starts_with('*'))
                {
                    list.push(range.start + indent);
                }
            }
            Event::End(TagEnd::List(_)) => {
                let (list, is_nested) = lists.pop().unwrap_or_default();
                let are_marks = list.len() > 1 || is_nested;
                bullets.extend(list.into_iter().filter(|_| are_marks));
            }
            _ => {}
        }
    }
    bullets
}

type Events<'e> = std::vec::IntoIter<(Event<'e>, Range<usize>)>;

/// A walk along the events: `at` is how far the text was read.
struct Reader<'w> {
    source: &'w Source,
    /// The definitions of links: they are not shown, where any of them is used.
    definitions: BTreeSet<(usize, usize)>,
    bullets: BTreeSet<usize>,
    pieces: &'w mut Pieces,
    at: usize,
    /// In a table: how many rows and cells were before.
    tables: Option<(usize, usize)>,
    /// What the ends of links and styles that are open end.
    ends: Vec<Option<Style>>,
    /// For each link that is open, whether it is written `[label][]`.
    collapsed: Vec<bool>,
    depth: usize,
}

impl Reader<'_> {
    fn event<'e>(&mut self, event: Event<'e>, range: Range<usize>, events: &mut Events<'e>) {
        match event {
            Event::Start(tag) => self.start(tag, range, events),
            Event::End(tag) => self.end(tag, &range),
            Event::Text(text) => {
                self.layout_before_text(range.start, &text);
                self.text(&text, range.clone());
                self.at = range.end;
            }
            Event::Code(code) => {
                self.layout(range.start);
                self.code(&code, range.clone());
                self.at = range.end;
            }
            Event::SoftBreak | Event::HardBreak => {
                self.pieces.push(Kind::LineBreak);
                // A hard break may have the next line's indentation in it.
                let written = self.slice(range.clone());
                let line = written
                    .find('\n')
                    .map_or(range.end, |end| range.start + end + 1);
                self.at = self.at.max(line);
            }
            Event::Rule => {
                self.layout(range.start);
                self.layout(self.without_line_end(&range));
            }
            // There are none: every `<` that is none of a link's is a token, and the rest is not enabled.
            Event::Html(text) | Event::InlineHtml(text) => {
                self.layout(range.start);
                self.text(&text, range.clone());
                self.at = range.end;
            }
            Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn start<'e>(&mut self, tag: Tag<'e>, range: Range<usize>, events: &mut Events<'e>) {
        match tag {
            Tag::Heading { .. } => self.heading(&range),
            Tag::CodeBlock(CodeBlockKind::Fenced(_)) => self.fenced(&range, events),
            Tag::CodeBlock(CodeBlockKind::Indented) => self.indented(&range, events),
            Tag::Emphasis => {
                self.layout(range.start);
                let is_star = self.slice(range.clone()).starts_with('*');
                let style = if is_star { Style::Star } else { Style::Italic };
                self.open(style, range.start + 1);
            }
            Tag::Strong => {
                self.layout(range.start);
                self.open(Style::Bold, range.start + 2);
            }
            Tag::Strikethrough => {
                self.layout(range.start);
                let marks = if self.slice(range.clone()).starts_with("~~") {
                    2
                } else {
                    1
                };
                self.open(Style::Strike, range.start + marks);
            }
            Tag::Link {
                dest_url,
                link_type,
                ..
            } => self.link(&dest_url, link_type, range.start, 1),
            Tag::Image {
                dest_url,
                link_type,
                ..
            } => self.link(&dest_url, link_type, range.start, 2),
            Tag::Table(_) => {
                self.layout(range.start);
                self.tables = Some((0, 0));
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some((rows, cells)) = &mut self.tables {
                    if *rows > 0 {
                        self.pieces.push(Kind::LineBreak);
                    }
                    (*rows, *cells) = (*rows + 1, 0);
                }
                self.at = range.start;
                if matches!(tag, Tag::TableHead) {
                    self.pieces.open(Style::Bold);
                }
            }
            Tag::TableCell => {
                if let Some((_, cells)) = &mut self.tables {
                    if *cells > 0 {
                        self.pieces.text(" | ");
                    }
                    *cells += 1;
                }
                self.at = range.start;
            }
            // What is written around them is shown as it is.
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: &Range<usize>) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                if let Some(style) = self.ends.pop().flatten() {
                    self.pieces.close(style);
                }
                self.at = range.end;
            }
            TagEnd::Link | TagEnd::Image => {
                self.pieces.close_link();
                let is_collapsed = self.collapsed.pop().unwrap_or_default();
                let after = self.slice(range.end..self.source.text.len());
                let brackets = is_collapsed && after.starts_with("[]");
                self.at = range.end + 2 * usize::from(brackets);
            }
            TagEnd::Heading(_) => self.heading_end(range),
            TagEnd::TableHead => {
                self.pieces.close(Style::Bold);
                self.at = range.end;
            }
            TagEnd::TableCell | TagEnd::TableRow => self.at = range.end,
            TagEnd::Table => {
                self.tables = None;
                self.at = self.without_line_end(range);
            }
            _ => {}
        }
    }

    /// A link, or a picture, which is a link to it; `signs` is the length of what it starts with.
    fn link(&mut self, address: &str, kind: LinkType, start: usize, signs: usize) {
        self.layout(start);
        let scheme = if kind == LinkType::Email {
            "mailto:"
        } else {
            ""
        };
        let address = format!("{scheme}{address}");
        self.pieces.open_link(&without_tokens(&address));
        self.collapsed.push(kind == LinkType::Collapsed);
        self.at = start + signs;
    }

    fn open(&mut self, style: Style, at: usize) {
        self.pieces.open(style);
        self.ends.push(Some(style));
        self.at = at;
    }

    /// A heading is a line in bold. A line of dashes below a text is a line, and makes no heading of it.
    fn heading(&mut self, range: &Range<usize>) {
        self.layout(range.start);
        let written = self.slice(range.clone());
        let words = written.trim_start_matches('#');
        let signs = written.len() - words.len();
        let is_dashed = written.trim_end().ends_with('-') && signs == 0;
        if is_dashed {
            self.ends.push(None);
            return;
        }
        let space = words.len() - words.trim_start_matches([' ', '\t']).len();
        let skipped = if signs > 0 { signs + space } else { 0 };
        self.open(Style::Bold, range.start + skipped);
    }

    fn heading_end(&mut self, range: &Range<usize>) {
        if let Some(style) = self.ends.pop().flatten() {
            self.pieces.close(style);
            self.at = self.at.max(self.without_line_end(range));
        }
    }

    /// Code in a fence, without its language.
    fn fenced(&mut self, range: &Range<usize>, events: &mut Events<'_>) {
        self.layout(range.start);
        let mut code = String::new();
        for (event, part) in events.by_ref() {
            match event {
                Event::Text(text) => code.push_str(&self.restored(&text, part)),
                Event::End(TagEnd::CodeBlock) => break,
                _ => {}
            }
        }
        let code = code.trim_end_matches('\n');
        if !code.trim().is_empty() {
            self.pieces.push(Kind::CodeBlock(format!("\n{code}\n")));
        } else if let Some(words) = self.only_line(range) {
            self.pieces.text(&words);
        }
        self.at = self.without_line_end(range);
    }

    /// What stands behind the marks of a fence that has no other line: no language, since there is no code.
    fn only_line(&self, range: &Range<usize>) -> Option<String> {
        let written = self.slice(range.clone());
        let mut lines = written.lines().filter(|line| !line.trim().is_empty());
        let (first, None) = (lines.next()?, lines.next()) else {
            return None;
        };
        let words = first.trim_start_matches(['`', '~', ' ']);
        let start = range.start + (words.as_ptr() as usize - written.as_ptr() as usize);
        let words = self.restored(words, start..start + words.len());
        Some(words.trim_end().to_owned())
    }

    /// What Markdown takes for code because it is indented is a text like any other.
    fn indented(&mut self, range: &Range<usize>, events: &mut Events<'_>) {
        for (event, _) in events.by_ref() {
            if matches!(event, Event::End(TagEnd::CodeBlock)) {
                break;
            }
        }
        self.layout(range.start);
        let end = self.without_line_end(range);
        if self.depth >= DEEPEST {
            return self.layout(end);
        }
        let written = self.restored(self.slice(range.start..end), range.start..end);
        let mut is_first = true;
        for line in written.split('\n') {
            if !std::mem::take(&mut is_first) {
                self.pieces.push(Kind::LineBreak);
            }
            let words = line.trim_start();
            self.pieces
                .text(line.get(..line.len() - words.len()).unwrap_or_default());
            nested(words, self.pieces, self.depth + 1);
        }
        self.at = end;
    }

    fn code(&mut self, code: &str, range: Range<usize>) {
        let written = self.slice(range.clone());
        let inside = written.trim_start_matches('`');
        let marks = written.len() - inside.len();
        let inside = inside
            .get(..inside.len().saturating_sub(marks))
            .unwrap_or_default();
        if marks < 3 || !inside.contains('\n') {
            let code = self.restored(code, range);
            return self.pieces.push(Kind::Code(code));
        }
        // A block of code that began within a line.
        let inside = self.restored(inside, range);
        let (first, rest) = inside.split_once('\n').unwrap_or(("", &inside));
        let is_language = !first.is_empty()
            && first
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+#-_.".contains(&byte));
        let block = if is_language {
            format!("\n{rest}")
        } else {
            inside.clone()
        };
        if !block.trim().is_empty() {
            self.pieces.push(Kind::CodeBlock(block));
        }
    }

    /// A text with its tokens.
    fn text(&mut self, text: &str, range: Range<usize>) {
        let mut tokens = self.source.tokens_in(range);
        let mut from = 0;
        for (at, stands) in text.match_indices([MARK, LETTER]) {
            self.pieces.text(text.get(from..at).unwrap_or_default());
            from = at + stands.len();
            match tokens.next() {
                Some(Token::Character(character)) => {
                    let mut bytes = [0; 4];
                    self.pieces.text(character.encode_utf8(&mut bytes));
                }
                Some(Token::Address(written)) => self.pieces.address(written),
                Some(Token::Open(style)) => self.pieces.open(*style),
                Some(Token::Close(style)) => self.pieces.close(*style),
                Some(Token::Link(address)) => self.pieces.open_link(address),
                Some(Token::LinkEnd) => self.pieces.close_link(),
                Some(Token::Nothing) | None => {}
            }
        }
        self.pieces.text(text.get(from..).unwrap_or_default());
    }

    /// A text as it was written, without tags.
    fn restored(&self, text: &str, range: Range<usize>) -> String {
        let mut tokens = self.source.tokens_in(range);
        let mut restored = String::with_capacity(text.len());
        for character in text.chars() {
            match (matches!(character, MARK | LETTER)).then(|| tokens.next()) {
                None => restored.push(character),
                Some(Some(Token::Character(character))) => restored.push(*character),
                Some(Some(Token::Address(written))) => restored.push_str(written),
                Some(_) => {}
            }
        }
        restored
    }

    /// What stands between two events, as it was written, up to a place.
    fn layout(&mut self, to: usize) {
        let mut from = self.at;
        self.at = self.at.max(to);
        if self.tables.is_some() {
            return;
        }
        let hidden: Vec<_> = self
            .definitions
            .range((from, 0)..(to.max(from), 0))
            .copied()
            .collect();
        for (start, end) in hidden {
            self.as_written(from..start);
            let end = end + usize::from(self.slice(end..self.source.text.len()).starts_with('\n'));
            from = end.min(to);
        }
        self.as_written(from..to);
    }

    fn layout_before_text(&mut self, to: usize, text: &str) {
        let is_escape = self.slice(self.at..to).ends_with('\\')
            && text.starts_with(|first: char| first.is_ascii_punctuation());
        self.layout(to - usize::from(is_escape));
        self.at = to.max(self.at);
    }

    fn as_written(&mut self, range: Range<usize>) {
        let mut from = range.start;
        let bullets: Vec<usize> = self
            .bullets
            .range(range.start..range.end.max(range.start))
            .copied()
            .collect();
        for bullet in bullets {
            self.text_between(from..bullet);
            let after = self.slice(bullet + 1..range.end);
            if after.starts_with(' ') {
                self.pieces.push(Kind::Bullet);
                from = bullet + 2;
            } else {
                from = bullet;
            }
        }
        self.text_between(from..range.end);
    }

    fn text_between(&mut self, range: Range<usize>) {
        let source = self.source;
        let written = source.text.get(range.clone()).unwrap_or_default();
        self.text(written, range);
    }

    fn slice(&self, range: Range<usize>) -> &str {
        self.source.text.get(range).unwrap_or_default()
    }

    /// The end of a block, before the end of its last line.
    fn without_line_end(&self, range: &Range<usize>) -> usize {
        let written = self.slice(range.clone());
        range.start + written.trim_end_matches('\n').len()
    }
}

fn without_tokens(address: &str) -> String {
    address::opened(address).unwrap_or_else(|| address.replace([MARK, LETTER], ""))
}
