//! The HTML of a text (<https://core.telegram.org/bots/api#html-style>), read and refused as Telegram
//! does it: after `parse_html` of `tdlib/td` (`td/telegram/MessageEntity.cpp`), error by error.

use serde_json::{Value, json};

/// The tags that there are.
const TAGS: &[&str] = &[
    "a",
    "b",
    "strong",
    "i",
    "em",
    "s",
    "strike",
    "del",
    "u",
    "ins",
    "tg-spoiler",
    "tg-emoji",
    "tg-time",
    "span",
    "pre",
    "code",
    "blockquote",
];

/// A tag that is open.
struct Open {
    name: String,
    argument: String,
    offset: usize,
    begin: usize,
}

/// The text without its tags, and what they said: the entities, in the order in which they end.
pub(super) fn parse(text: &str) -> Result<(String, Vec<Value>), String> {
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
    };
    let (mut plain, mut entities, mut open) = (String::new(), Vec::new(), Vec::<Open>::new());
    while let Some(byte) = reader.peek() {
        match byte {
            b'&' => match reader.entity() {
                Some(character) => plain.push(character),
                None => plain.push(reader.character(text)),
            },
            b'<' => {
                let begin = reader.at;
                reader.at += 1;
                if reader.peek() == Some(b'/') {
                    let Some(tag) = open.pop() else {
                        return Err(format!("Unexpected end tag at byte offset {begin}"));
                    };
                    reader.end_tag(begin, &tag.name)?;
                    entities.extend(entity(&tag, &plain)?);
                } else {
                    let (name, argument) = reader.start_tag(begin)?;
                    open.push(Open {
                        name,
                        argument,
                        offset: units(&plain),
                        begin: plain.len(),
                    });
                }
            }
            _ => plain.push(reader.character(text)),
        }
    }
    match open.last() {
        Some(tag) => Err(format!(
            "Can't find end tag corresponding to start tag \"{}\"",
            tag.name
        )),
        None => Ok((plain, entities)),
    }
}

/// What a tag says of the text in it.
fn entity(tag: &Open, plain: &str) -> Result<Option<Value>, String> {
    let length = units(plain) - tag.offset;
    if length == 0 {
        return Ok(None);
    }
    let kind = match tag.name.as_str() {
        "i" | "em" => "italic",
        "b" | "strong" => "bold",
        "s" | "strike" | "del" => "strikethrough",
        "u" | "ins" => "underline",
        "tg-spoiler" | "span" => "spoiler",
        "pre" => "pre",
        "code" => "code",
        "blockquote" => "blockquote",
        "a" => {
            let inside = plain.get(tag.begin..).unwrap_or_default();
            let url = if tag.argument.is_empty() {
                inside
            } else {
                &tag.argument
            };
            // A link that is none is no error: it is shown as a text.
            let link = super::keyboard::checked_link(url).ok().map(|url| {
                json!({"type": "text_link", "offset": tag.offset, "length": length, "url": url})
            });
            return Ok(link);
        }
        _ => return Err("Invalid custom emoji identifier specified".to_owned()),
    };
    Ok(Some(
        json!({"type": kind, "offset": tag.offset, "length": length}),
    ))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The character that begins here.
    fn character(&mut self, text: &str) -> char {
        let found = text.get(self.at..).and_then(|rest| rest.chars().next());
        let found = found.unwrap_or(char::REPLACEMENT_CHARACTER);
        self.at += found.len_utf8();
        found
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn take_while(&mut self, is_in: impl Fn(u8) -> bool) -> String {
        let from = self.at;
        while self.peek().is_some_and(&is_in) {
            self.at += 1;
        }
        let taken = self.bytes.get(from..self.at).unwrap_or_default();
        String::from_utf8_lossy(taken).into_owned()
    }

    /// The name and the argument that matters of a start tag, whose `<` was read.
    fn start_tag(&mut self, begin: usize) -> Result<(String, String), String> {
        let name = self.take_while(|byte| !byte.is_ascii_whitespace() && byte != b'>');
        let name = name.to_lowercase();
        if self.peek().is_none() {
            return Err(format!("Unclosed start tag at byte offset {begin}"));
        }
        if !TAGS.contains(&name.as_str()) {
            return Err(format!(
                "Unsupported start tag \"{name}\" at byte offset {begin}"
            ));
        }
        let mut argument = String::new();
        loop {
            self.skip_spaces();
            match self.peek() {
                Some(b'>') => break,
                None => {
                    return Err(format!(
                        "Unclosed start tag \"{name}\" at byte offset {begin}"
                    ));
                }
                Some(_) => {}
            }
            if let Some(value) = self.attribute(&name, begin)? {
                argument = value;
            }
        }
        self.at += 1;
        if name == "span" && argument != "tg-spoiler" {
            return Err(format!(
                "Tag \"span\" must have class \"tg-spoiler\" at byte offset {begin}"
            ));
        }
        Ok((name, argument))
    }

    /// One attribute; its value, where the tag has a use for it.
    fn attribute(&mut self, tag: &str, begin: usize) -> Result<Option<String>, String> {
        let ends = |byte: u8| byte.is_ascii_whitespace() || b"=>/\"'".contains(&byte);
        let name = self.take_while(|byte| !ends(byte));
        if name.is_empty() {
            return Err(format!(
                "Empty attribute name in the tag \"{tag}\" at byte offset {begin}"
            ));
        }
        self.skip_spaces();
        if self.peek() != Some(b'=') {
            return Ok(None);
        }
        self.at += 1;
        self.skip_spaces();
        let value = match self.peek() {
            None => {
                return Err(format!(
                    "Unclosed start tag \"{tag}\" at byte offset {begin}"
                ));
            }
            Some(quote @ (b'"' | b'\'')) => self.quoted(quote, begin)?,
            Some(_) => {
                let at = self.at;
                let is_in = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
                let value = self.take_while(is_in).to_lowercase();
                let ends = self.peek();
                if !ends.is_some_and(|byte| byte.is_ascii_whitespace() || byte == b'>') {
                    return Err(format!("Unexpected end of name token at byte offset {at}"));
                }
                value
            }
        };
        let is_used = matches!(
            (tag, name.as_str()),
            ("a", "href") | ("code" | "span", "class") | ("tg-emoji", "emoji-id")
        );
        Ok(is_used.then_some(value))
    }

    fn quoted(&mut self, quote: u8, begin: usize) -> Result<String, String> {
        self.at += 1;
        let mut value = Vec::new();
        loop {
            match self.peek() {
                None => return Err(format!("Unclosed start tag at byte offset {begin}")),
                Some(byte) if byte == quote => break,
                Some(b'&') => {
                    if let Some(character) = self.entity() {
                        value.extend(character.to_string().bytes());
                        continue;
                    }
                    value.push(b'&');
                }
                Some(byte) => value.push(byte),
            }
            self.at += 1;
        }
        self.at += 1;
        if self.peek().is_none() {
            return Err(format!("Unclosed start tag at byte offset {begin}"));
        }
        Ok(String::from_utf8_lossy(&value).into_owned())
    }

    /// The rest of an end tag, whose `<` was read.
    fn end_tag(&mut self, begin: usize, expected: &str) -> Result<(), String> {
        self.at += 1;
        let name = self.take_while(|byte| !byte.is_ascii_whitespace() && byte != b'>');
        let name = name.to_lowercase();
        self.skip_spaces();
        if self.peek() != Some(b'>') {
            return Err(format!("Unclosed end tag at byte offset {begin}"));
        }
        self.at += 1;
        if !name.is_empty() && name != expected {
            return Err(format!(
                "Unmatched end tag at byte offset {begin}, expected \"</{expected}>\", found \"</{name}>\""
            ));
        }
        Ok(())
    }

    /// The character of an entity, if one stands here: numeric ones and four names, with or without
    /// the semicolon.
    fn entity(&mut self) -> Option<char> {
        let rest = self.bytes.get(self.at + 1..)?;
        let name_length = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        let (character, length) = if rest.first() == Some(&b'#') {
            let is_hex = rest.get(1) == Some(&b'x');
            let digits = rest.get(if is_hex { 2 } else { 1 }..)?;
            let radix = if is_hex { 16 } else { 10 };
            let count = digits
                .iter()
                .take_while(|byte| char::from(**byte).is_digit(radix))
                .count();
            let digits_read = std::str::from_utf8(digits.get(..count)?).ok()?;
            let code = u32::from_str_radix(digits_read, radix).ok()?;
            let character = char::from_u32(code).filter(|character| *character != '\0')?;
            (character, count + if is_hex { 2 } else { 1 })
        } else {
            let character = match rest.get(..name_length)? {
                b"lt" => '<',
                b"gt" => '>',
                b"amp" => '&',
                b"quot" => '"',
                _ => return None,
            };
            (character, name_length)
        };
        self.at += 1 + length;
        if self.peek() == Some(b';') {
            self.at += 1;
        }
        Some(character)
    }
}

/// How many UTF-16 units a text has.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_entities_in_utf16_units() {
        let (plain, entities) =
            parse("🙂 <b>a &lt; <i>b</i></b> &amp;#x41;&#x41;&nbsp;").expect("HTML");
        assert_eq!(plain, "🙂 a < b &#x41;A&nbsp;");
        assert_eq!(
            entities,
            [
                json!({"type": "italic", "offset": 7, "length": 1}),
                json!({"type": "bold", "offset": 3, "length": 5}),
            ]
        );
        let (plain, entities) =
            parse("<a href=\"https://a.example/?a=1&amp;b=%22\">x</a>").expect("HTML");
        assert_eq!((plain.as_str(), entities.len()), ("x", 1));
        assert_eq!(entities[0]["url"], "https://a.example/?a=1&b=%22");
    }

    #[test]
    fn what_telegram_refuses_is_refused_in_its_words() {
        for (html, reason) in [
            ("a <br> b", "Unsupported start tag \"br\" at byte offset 2"),
            ("a <b", "Unclosed start tag at byte offset 2"),
            ("1 < 2", "Unsupported start tag \"\" at byte offset 2"),
            (
                "<b>a",
                "Can't find end tag corresponding to start tag \"b\"",
            ),
            ("a</b>", "Unexpected end tag at byte offset 1"),
            (
                "<b><i>a</b></i>",
                "Unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\"",
            ),
            (
                "<a href=x/y>a</a>",
                "Unexpected end of name token at byte offset 8",
            ),
        ] {
            assert_eq!(parse(html).expect_err(html), reason, "{html}");
        }
    }
}
