//! The reader of [`super::read`].

use serde_json::{Map, Number, Value};

/// How deep values are read; what is nested deeper is null. `serde_json`, which reads them again from the
/// ledger, goes to 128.
const DEPTH: usize = 100;

/// A text that is read from its beginning.
pub(super) struct Reader<'a> {
    /// What is left of it.
    left: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { left: text }
    }

    /// The one value that the text is; `None` where it is none.
    pub(super) fn only_value(mut self) -> Option<Value> {
        let value = self.value(DEPTH)?;
        self.skip_space();
        self.left.is_empty().then_some(value)
    }

    fn peek(&self) -> Option<char> {
        self.left.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.left.chars();
        let next = characters.next();
        self.left = characters.as_str();
        next
    }

    /// Goes past the next bytes and has what they are; nowhere where a character does not end there.
    fn take(&mut self, bytes: usize) -> Option<&'a str> {
        let (taken, left) = self.left.split_at_checked(bytes)?;
        self.left = left;
        Some(taken)
    }

    /// Goes past what has no meaning between values: a byte-order mark and NUL too, which some writers
    /// put at the ends.
    fn skip_space(&mut self) {
        let spaces = [' ', '\t', '\r', '\n', '\u{feff}', '\0'];
        self.left = self.left.trim_start_matches(spaces);
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.skip_space();
        match self.peek()? {
            '{' | '[' if depth == 0 => self.skip_value(),
            '{' => self.object(depth),
            '[' => self.array(depth),
            '"' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        let mut object = Map::new();
        self.next();
        self.skip_space();
        if self.peek()? == '}' {
            self.next();
            return Some(Value::Object(object));
        }
        loop {
            self.skip_space();
            // A comma behind the last.
            if self.peek()? == '}' && !object.is_empty() {
                self.next();
                return Some(Value::Object(object));
            }
            if self.peek()? != '"' {
                return None;
            }
            let key = self.string()?;
            self.skip_space();
            if self.next()? != ':' {
                return None;
            }
            object.insert(key, self.value(depth - 1)?);
            self.skip_space();
            match self.next()? {
                ',' => {}
                '}' => return Some(Value::Object(object)),
                _ => return None,
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        self.next();
        self.skip_space();
        if self.peek()? == ']' {
            self.next();
            return Some(Value::Array(items));
        }
        loop {
            self.skip_space();
            if self.peek()? == ']' && !items.is_empty() {
                self.next();
                return Some(Value::Array(items));
            }
            items.push(self.value(depth - 1)?);
            self.skip_space();
            match self.next()? {
                ',' => {}
                ']' => return Some(Value::Array(items)),
                _ => return None,
            }
        }
    }

    /// A value that is nested too deep to be read, as null.
    fn skip_value(&mut self) -> Option<Value> {
        let mut open = 0_usize;
        loop {
            match self.peek()? {
                '"' => {
                    self.string()?;
                    continue;
                }
                '{' | '[' => open += 1,
                '}' | ']' => open -= 1,
                _ => {}
            }
            self.next();
            if open == 0 {
                return Some(Value::Null);
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let mut out = String::new();
        self.next();
        loop {
            let plain = self.left.find(['"', '\\'])?;
            out.push_str(self.take(plain)?);
            match self.next()? {
                '"' => return Some(out),
                _ => self.escape(&mut out)?,
            }
        }
    }

    /// What follows a backslash. One that escapes nothing stays.
    fn escape(&mut self, out: &mut String) -> Option<()> {
        let character = self.next()?;
        match character {
            '"' | '\\' | '/' | '\'' => out.push(character),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => match self.unit() {
                Some(unit) => self.code_point(unit, out),
                None => out.push_str("\\u"),
            },
            other => {
                out.push('\\');
                out.push(other);
            }
        }
        Some(())
    }

    /// The four hexadecimal digits of a UTF-16 unit; passes over them only where they are there.
    fn unit(&mut self) -> Option<u32> {
        let digits = self.left.get(..4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.take(digits.len());
        u32::from_str_radix(digits, 16).ok()
    }

    /// A character of which this is the first unit. Half of a pair, which is what is left of an emoji that
    /// was cut through, is U+FFFD.
    fn code_point(&mut self, unit: u32, out: &mut String) {
        if (0xd800..0xdc00).contains(&unit) && is_low_half(self.left) {
            self.take("\\u".len());
            if let Some(low) = self.unit() {
                let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                return;
            }
        }
        out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
    }

    /// A number, or one of the words that JSON or those who write it have.
    fn word(&mut self) -> Option<Value> {
        let is_part =
            |character: char| character.is_ascii_alphanumeric() || "+-.#".contains(character);
        let word = self.left.find(|character| !is_part(character));
        let word = self.take(word.unwrap_or(self.left.len()))?;
        match word.to_ascii_lowercase().as_str() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" | "none" | "nil" | "undefined" => Some(Value::Null),
            lower if is_no_number(lower) => Some(Value::Null),
            _ => number(word),
        }
    }
}

/// Whether a word is what a writer has for a float that is no number: JavaScript and Python, C's `printf`, and
/// Microsoft's (`1.#INF`, `-1.#IND`).
fn is_no_number(lower: &str) -> bool {
    let word = lower.strip_prefix(['-', '+']).unwrap_or(lower);
    let word = word.strip_prefix("1.#").unwrap_or(word);
    ["nan", "snan", "qnan", "ind", "inf", "infinity"].contains(&word)
}

/// Whether a text begins with the escape of the second half of a pair.
fn is_low_half(text: &str) -> bool {
    let digits = text.strip_prefix("\\u").and_then(|rest| rest.get(..4));
    let unit = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    unit.is_some_and(|unit| (0xdc00..0xe000).contains(&unit))
}

/// A number as it is passed on: one without a fraction as a whole number, one that no number of ours holds
/// with all its digits as a text.
fn number(written: &str) -> Option<Value> {
    let written = written.strip_prefix('+').unwrap_or(written);
    let unsigned = written.strip_prefix('-').unwrap_or(written);
    let is_one = unsigned
        .strip_prefix('.')
        .unwrap_or(unsigned)
        .starts_with(|first: char| first.is_ascii_digit());
    // A whole number with a zero before it is somebody's code.
    let is_code = written.len() > 1
        && written.starts_with('0')
        && written.bytes().all(|byte| byte.is_ascii_digit());
    if !is_one {
        return None;
    }
    if is_code {
        return Some(written.into());
    }
    let whole = |text: &str| {
        let positive = text.parse::<u64>().map(Number::from);
        positive
            .or_else(|_| text.parse::<i64>().map(Number::from))
            .ok()
    };
    if let Some(whole) = whole(written) {
        return Some(Value::Number(whole));
    }
    let float: f64 = written.parse().ok()?;
    if !float.is_finite() || digits(written) != digits(&format!("{float:e}")) {
        return Some(without_fraction(written).into());
    }
    whole(&float.to_string())
        .or_else(|| Number::from_f64(float))
        .map(Value::Number)
}

/// The digits that count of a number: without its sign, point, exponent, and the zeros at both ends.
fn digits(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// `123.00` → `123`.
fn without_fraction(number: &str) -> &str {
    match number.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => whole,
        _ => number,
    }
}
