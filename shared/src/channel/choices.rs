//! Numbered choices: where a provider has no buttons, or not enough, the choices of a message are lines
//! with a number, which is typed to choose one. This is the pure half: the lines, and what a typed text
//! answers. Until when an offer stands is for whoever keeps it: it ends with the user's next message,
//! whether that answered it or not, and with a newer offer.

/// The line of a choice.
#[must_use]
pub fn line(number: usize, label: &str) -> String {
    format!("{number}. {label}")
}

/// Which of the labels, numbered from `first` on, a text chooses: by its number (`2`, ` 2 `, `2.`), else by
/// the label in any case. A number that is out of range, or has other words beside it, chooses nothing.
#[must_use]
pub fn chosen<S: AsRef<str>>(text: &str, first: usize, labels: &[S]) -> Option<usize> {
    let text = text.trim();
    let number = text.strip_suffix('.').unwrap_or(text);
    let by_number = (number.len() <= 9 && number.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| number.parse::<usize>().ok()?.checked_sub(first))
        .flatten()
        .filter(|place| *place < labels.len());
    let words = folded(text);
    by_number.or_else(|| {
        labels
            .iter()
            .position(|label| !words.is_empty() && folded(label.as_ref()) == words)
    })
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

    const LABELS: [&str; 3] = ["Yes", "No, thanks", "12"];

    #[test]
    fn a_number_or_a_label_chooses() {
        for text in ["2", " 2 ", "2.", "02", "no, thanks", " NO,  Thanks "] {
            assert_eq!(chosen(text, 1, &LABELS), Some(1), "{text:?}");
        }
        // A label that is a number, where there is no such number.
        assert_eq!(chosen("12", 1, &LABELS), Some(2));
        assert_eq!(chosen("STRASSE", 1, &["Straße"]), Some(0));
        // Numbers run on: the fourth of a message is the first of its second card.
        assert_eq!(chosen("4", 4, &LABELS), Some(0));
        assert_eq!(chosen("1", 4, &LABELS), None);
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
            assert_eq!(chosen(text, 1, &LABELS), None, "{text:?}");
        }
        assert_eq!(chosen("1", 1, &[""; 0]), None);
        assert_eq!(chosen("", 1, &[""]), None);
    }

    proptest! {
        #[test]
        fn each_line_is_answered_by_its_number_and_by_its_label(
            labels in proptest::collection::vec("\\PC{0,12}", 1..9), first in 1..50_usize, around in " {0,2}",
        ) {
            for (place, label) in labels.iter().enumerate() {
                let number = first + place;
                prop_assert_eq!(line(number, label), format!("{number}. {label}"));
                prop_assert_eq!(chosen(&format!("{around}{number}{around}"), first, &labels), Some(place));
                if let Some(by_label) = chosen(label, first, &labels) {
                    let is_number = label.trim().trim_end_matches('.').parse::<usize>().is_ok();
                    prop_assert!(is_number || folded(&labels[by_label]) == folded(label));
                } else {
                    prop_assert!(label.trim().is_empty());
                }
            }
        }
    }
}
