//! What is printed for people, whose terminal obeys some characters.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Serialize;

/// A text of which a terminal shows everything: what it would obey, such as the controls that move the cursor or
/// change the window's title, and those that turn the direction of writing, is written as `\u001b`. In JSON that says
/// the same. What people and providers say is printed so.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_obeyed(letter) {
            let _ = write!(visible, "\\u{:04x}", u32::from(letter));
        } else {
            visible.push(letter);
        }
    }
    Cow::Owned(visible)
}

/// Prints something as JSON.
///
/// # Errors
/// When it is none.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    println!("{}", visible(&text));
    Ok(())
}

fn is_obeyed(letter: char) -> bool {
    let turns = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || letter.is_control() && letter != '\n'
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        let text = "\u{1b}]0;x\u{7}\u{9b}2J\r\u{202e}a\u{2069}\n";
        let shown = r"\u001b]0;x\u0007\u009b2J\u000d\u202ea\u2069";
        assert_eq!(visible(text), format!("{shown}\n"));
        assert_eq!(visible("ಕ é\n😀"), "ಕ é\n😀");
    }

    #[test]
    fn json_says_the_same() -> serde_json::Result<()> {
        let said = "\u{9b}2J \u{7f} \u{202e} \u{1b}[1m é";
        let json = serde_json::to_string_pretty(&[said])?;
        assert_ne!(visible(&json), json);
        let read: Vec<String> = serde_json::from_str(&visible(&json))?;
        assert_eq!(read, [said]);
        Ok(())
    }
}
