//! One transcript of two: Haptik's, in which a line may be the type of a message in place of its words
//! (`TEXT`), or masked (`******`), and the ledger's own record, which has the words but not all that others
//! said.

use haptik_bridge_shared::haptik::client::HistoryMessage;
use haptik_bridge_shared::haptik::transcript::is_type;
use jiff::{SignedDuration, Timestamp};

use super::record::{RecordedMessage, THE_USER};
use super::{Line, seen, seen_of_others};
use crate::plain::without_space;

/// What stands in place of a message whose words nobody has.
const NOT_KEPT: &str = "(a message whose text was not kept)";

/// How far the time at which something was said, and the one at which Haptik took it, may be apart for the
/// two to be the same by their time alone.
const NEAR: SignedDuration = SignedDuration::from_mins(10);

/// What Haptik's data masking writes is a run of these, so many at least.
const MASK: char = '*';
const SHORTEST_MASK: usize = 3;

/// Haptik's lines, with what the record knows better: words in place of types and masks, links, files.
pub(super) fn merged(lines: &[HistoryMessage], record: &[RecordedMessage]) -> Vec<Line> {
    let text_of = |line: &HistoryMessage| {
        if line.sender.eq_ignore_ascii_case(THE_USER) {
            seen(&line.text)
        } else {
            seen_of_others(&line.text)
        }
    };
    let texts: Vec<String> = lines.iter().map(text_of).collect();
    let mut pairs = Pairs::new(lines, record);
    pairs.by_id();
    pairs.by(|line, said| {
        let text = without_space(&texts[line]);
        !text.is_empty() && text == without_space(&record[said].text)
    });
    pairs.by(|line, said| masks(&texts[line], &record[said].text));
    pairs.by(|line, said| {
        is_type(&texts[line])
            && lines[line]
                .timestamp
                .is_none_or(|at| apart(at, record[said].at) <= NEAR)
            && !record[said].text.is_empty()
    });
    let Pairs { of_line, free, .. } = pairs;
    let is_linked = |said: &RecordedMessage| {
        let mut urls = said
            .links
            .iter()
            .filter_map(|link| link.split_whitespace().last());
        urls.all(|url| texts.iter().any(|text| text.contains(url)))
    };
    // Files that are in no line of Haptik's.
    let missing = record.iter().zip(&free).filter(|(said, free)| {
        **free && said.is_users() && said.text.is_empty() && !is_linked(said)
    });
    let missing: Vec<Line> = missing.map(|(said, _)| Line::from(said)).collect();
    let lines = lines.iter().zip(&texts).zip(of_line);
    let lines = lines.map(|((line, text), said)| Line {
        sender: line.sender.clone(),
        text: words(line, text, said.map(|said| &record[said])),
        at: line.timestamp,
    });
    with(lines.collect(), missing)
}

/// The record alone.
pub(super) fn recorded(record: &[RecordedMessage]) -> Vec<Line> {
    record.iter().map(Line::from).collect()
}

/// Haptik's lines alone.
pub(super) fn as_given(lines: &[HistoryMessage]) -> Vec<Line> {
    merged(lines, &[])
}

/// What a line says, where the record has it as `said`.
fn words(line: &HistoryMessage, text: &str, said: Option<&RecordedMessage>) -> String {
    let is_users = line.sender.eq_ignore_ascii_case(THE_USER);
    match said {
        Some(said) if is_type(text) || is_masked(text) || text.is_empty() => said.whole(),
        Some(said) => {
            let new = said.links.iter().filter(|link| !text.contains(*link));
            let new = new.map(String::as_str);
            std::iter::once(text)
                .chain(new)
                .collect::<Vec<_>>()
                .join("\n")
        }
        // A user may well say TEXT.
        None if is_type(text) && !is_users => NOT_KEPT.to_owned(),
        None => text.to_owned(),
    }
}

/// Which line is which of the record.
struct Pairs<'a> {
    lines: &'a [HistoryMessage],
    record: &'a [RecordedMessage],
    of_line: Vec<Option<usize>>,
    /// Which of the record are in no line yet.
    free: Vec<bool>,
}

impl<'a> Pairs<'a> {
    fn new(lines: &'a [HistoryMessage], record: &'a [RecordedMessage]) -> Self {
        Self {
            lines,
            record,
            of_line: vec![None; lines.len()],
            free: vec![true; record.len()],
        }
    }

    fn by_id(&mut self) {
        for (line, of_line) in self.lines.iter().zip(&mut self.of_line) {
            let is_users = line.sender.eq_ignore_ascii_case(THE_USER);
            let same = |said: &RecordedMessage| {
                said.message_id.is_some()
                    && said.message_id == line.message_id
                    && said.is_users() == is_users
            };
            if let Some(said) = self.record.iter().position(same) {
                *of_line = Some(said);
                self.free[said] = false;
            }
        }
    }

    /// Of the lines that are left, each gets the nearest in time of those that are free, are of the same
    /// side, and of which this is so.
    fn by(&mut self, is_so: impl Fn(usize, usize) -> bool) {
        for index in 0..self.lines.len() {
            if self.of_line[index].is_some() {
                continue;
            }
            let line = &self.lines[index];
            let is_users = line.sender.eq_ignore_ascii_case(THE_USER);
            let free = (0..self.record.len()).filter(|said| self.free[*said]);
            let same = free.filter(|said| self.record[*said].is_users() == is_users);
            let nearest = same.filter(|said| is_so(index, *said)).min_by_key(|said| {
                line.timestamp
                    .map_or(SignedDuration::ZERO, |at| apart(at, self.record[*said].at))
            });
            if let Some(said) = nearest {
                self.of_line[index] = Some(said);
                self.free[said] = false;
            }
        }
    }
}

/// Lines in order of time with more of them; those without a time stay where they are.
fn with(mut lines: Vec<Line>, more: Vec<Line>) -> Vec<Line> {
    for line in more {
        let is_later = |other: &Line| other.at > line.at;
        let place = lines.iter().position(is_later).unwrap_or(lines.len());
        lines.insert(place, line);
    }
    lines
}

fn apart(one: Timestamp, other: Timestamp) -> SignedDuration {
    one.duration_since(other).abs()
}

/// Whether something in a text is masked.
fn is_masked(text: &str) -> bool {
    unmasked_parts(text).nth(1).is_some()
}

/// Whether a text is this one, masked.
fn masks(masked: &str, text: &str) -> bool {
    let (masked, text) = (without_space(masked), without_space(text));
    let mut parts: Vec<&str> = unmasked_parts(&masked).collect();
    if parts.len() < 2 {
        return false;
    }
    let (Some(last), first) = (parts.pop(), parts.remove(0)) else {
        return false;
    };
    let rest = text.strip_prefix(first);
    let Some(mut rest) = rest.and_then(|rest| rest.strip_suffix(last)) else {
        return false;
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    true
}

/// What stands around the masks of a text: as many parts as there are masks, and one.
fn unmasked_parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut from = 0;
        while let Some(found) = text.get(from..)?.find(MASK) {
            let start = from + found;
            let run = text
                .get(start..)?
                .chars()
                .take_while(|c| *c == MASK)
                .count();
            if run >= SHORTEST_MASK {
                rest = text.get(start + run..);
                return text.get(..start);
            }
            from = start + run;
        }
        rest = None;
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_600_000 + second).expect("a time")
    }

    fn line(sender: &str, text: &str, id: Option<u64>, second: i64) -> HistoryMessage {
        HistoryMessage {
            text: text.to_owned(),
            sender: sender.to_owned(),
            message_id: id,
            timestamp: Some(at(second)),
        }
    }

    fn said(sender: &str, text: &str, id: Option<u64>, second: i64) -> RecordedMessage {
        RecordedMessage {
            sender: sender.to_owned(),
            text: text.to_owned(),
            links: Vec::new(),
            at: at(second),
            message_id: id,
        }
    }

    fn shown(lines: &[HistoryMessage], record: &[RecordedMessage]) -> Vec<String> {
        let lines = merged(lines, record);
        let lines = lines.into_iter().filter(|line| !line.text.is_empty());
        lines
            .map(|line| format!("{}: {}", line.sender, line.text))
            .collect()
    }

    #[test]
    fn types_and_masks_are_replaced_with_what_was_said() {
        let lines = vec![
            line("user", "my number is ****** and ******", None, 0),
            line("bot", "TEXT", Some(7), 1),
            line("user", "TEXT", Some(8), 2),
            line("bot", "CAROUSEL", None, 3),
            line("Prateek", "Call ******, please", Some(10), 4),
            line("bot", "It is *** bold ***", Some(11), 5),
            line("bot", "BUTTON", Some(12), 6),
        ];
        let record = vec![
            said("user", "my number is 98765432 and 12345678", None, 0),
            said("user", "TEXT", None, 2),
            said("bot", "Which order?", Some(7), 1),
            said("bot", "Two cards", Some(9), 3),
            said("Prateek", "Call 12345678, please", Some(10), 4),
        ];
        assert_eq!(
            shown(&lines, &record),
            [
                "user: my number is 98765432 and 12345678",
                "bot: Which order?",
                "user: TEXT",
                "bot: Two cards",
                "Prateek: Call 12345678, please",
                "bot: It is *** bold ***",
                "bot: (a message whose text was not kept)",
            ]
        );
    }

    #[test]
    fn what_is_alike_keeps_its_order_and_nothing_is_said_twice() {
        let lines = vec![
            line("user", "order ******", None, 0),
            line("user", "order ******", None, 60),
            line("user", "ok", None, 61),
        ];
        let record = vec![
            said("user", "order 111111", None, 1),
            said("user", "order 222222", None, 59),
            said("user", "ok", None, 61),
        ];
        assert_eq!(
            shown(&lines, &record),
            ["user: order 111111", "user: order 222222", "user: ok"]
        );
    }

    #[test]
    fn files_are_linked_where_haptik_has_them_nowhere() {
        let file = |url: &str, second| RecordedMessage {
            links: vec![format!("📎 bill.pdf: {url}")],
            ..said("user", "", None, second)
        };
        let link = RecordedMessage {
            links: vec!["Terms: https://e.example/t.pdf".to_owned()],
            ..said("bot", "Read this", Some(2), 2)
        };
        let lines = vec![
            line("user", "https://f.example/known.pdf", None, 0),
            line("bot", "Read this", Some(2), 2),
        ];
        let record = vec![
            file("https://f.example/known.pdf", 0),
            file("https://f.example/new.pdf", 1),
            link,
        ];
        assert_eq!(
            shown(&lines, &record),
            [
                "user: https://f.example/known.pdf",
                "user: 📎 bill.pdf: https://f.example/new.pdf",
                "bot: Read this\nTerms: https://e.example/t.pdf",
            ]
        );
    }

    #[test]
    fn a_mask_is_a_run_of_three() {
        for (masked, text, is_so) in [
            ("a ****** b", "a 123 b", true),
            ("******", "anything", true),
            ("a ****** b ****** c", "a 1 b 2 c", true),
            ("a ****** b ****** c", "a 1 c", false),
            ("a ** b", "a 1 b", false),
            ("a ****** b", "a 123 c", false),
            ("ab ****** b", "ab", false),
        ] {
            assert_eq!(masks(masked, text), is_so, "{masked}");
        }
        assert!(is_masked("x ***") && !is_masked("x ** y * z") && !is_masked(""));
    }
}
