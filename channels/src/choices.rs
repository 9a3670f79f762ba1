//! Numbered choices: where a provider has no buttons, or not enough, the choices of a message are lines
//! with a number, which is typed to choose one. This is the pure half: the lines, and what a typed text
//! answers. Until when an offer stands is for whoever keeps it: it ends with the user's next message,
//! whether that answered it or not, and with a newer offer.

/// The line of a choice.
#[must_use]
pub fn line(number: usize, label: &str) -> String {
    format!("{number}. {label}")
}

/// The place of the choice that a text makes of an offer, given each choice's number and label
/// ([`Page::numbered`](super::render::Page::numbered)): by the number (`2`, ` 2 `, `2.`), else by the label
/// in any case. A number that is out of range, or has other words beside it, chooses nothing. Of two with
/// one number, the last is meant.
#[must_use]
pub fn chosen(text: &str, offer: &[(usize, &str)]) -> Option<usize> {
    let text = text.trim();
    let digits = text.strip_suffix('.').unwrap_or(text);
    let number = Some(digits)
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse::<usize>().ok());
    let by_number = offer
        .iter()
        .rposition(|(choice, _)| Some(*choice) == number);
    let words = folded(text);
    let by_label = || {
        offer
            .iter()
            .position(|(_, label)| !words.is_empty() && folded(label) == words)
    };
    by_number.or_else(by_label)
}

/// A text as it is compared: without regard to case or to how wide a space is.
fn folded(text: &str) -> String {
    let words: Vec<String> = text
        .split_whitespace()
        // By way of upper case `ß` is `ss`, and the final sigma a sigma.
        .map(|word| word.to_uppercase().to_lowercase())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An offer whose numbers start at `first`.
    fn offer<'a>(first: usize, labels: &[&'a str]) -> Vec<(usize, &'a str)> {
        (first..).zip(labels.iter().copied()).collect()
    }

    fn labels(first: usize) -> Vec<(usize, &'static str)> {
        offer(first, &["Yes", "No, thanks", "12"])
    }

    #[test]
    fn a_number_or_a_label_chooses() {
        for text in ["2", " 2 ", "2.", "02", "no, thanks", " NO,  Thanks "] {
            assert_eq!(chosen(text, &labels(1)), Some(1), "{text:?}");
        }
        // A label that is a number, where there is no such number.
        assert_eq!(chosen("12", &labels(1)), Some(2));
        assert_eq!(chosen("STRASSE", &offer(1, &["Straße"])), Some(0));
        // Numbers run on: the fourth of a message is the first of its second card.
        assert_eq!(chosen("4", &labels(4)), Some(0));
        assert_eq!(chosen("1", &labels(4)), None);
        assert_eq!(chosen("1", &[(1, "A"), (1, "B")]), Some(1));
    }

    #[test]
    fn anything_else_is_a_text() {
        for text in [
            "",
            " ",
            ".",
            "0",
            "4",
            "-1",
            "2..",
            "2!",
            "2 please",
            "I take 2",
            "no",
            "yes.",
            "99999999999999999999",
            "٢",
        ] {
            assert_eq!(chosen(text, &labels(1)), None, "{text:?}");
        }
        assert_eq!(chosen("1", &[]), None);
        assert_eq!(chosen("", &offer(1, &[""])), None);
    }

    proptest! {
        #[test]
        fn each_line_is_answered_by_its_number_and_by_its_label(
            labels in proptest::collection::vec("\\PC{0,12}", 1..9), first in 1..50_usize, around in " {0,2}",
        ) {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            let offer = offer(first, &labels);
            for (place, (number, label)) in offer.iter().enumerate() {
                let line = line(*number, label);
                let numbered = format!("{number}. ");
                prop_assert!(line.starts_with(&numbered) && line.ends_with(label));
                let typed = format!("{around}{number}{around}");
                prop_assert_eq!(chosen(&typed, &offer), Some(place));
                match chosen(label, &offer) {
                    Some(by_label) => {
                        let is_number = label.trim().trim_end_matches('.').parse::<usize>().is_ok();
                        prop_assert!(is_number || folded(labels[by_label]) == folded(label));
                    }
                    None => prop_assert!(label.trim().is_empty()),
                }
            }
        }
    }
}
