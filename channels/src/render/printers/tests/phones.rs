//! A reader of Adaptive Cards' texts as telephones have it, and Webex
//! (<https://github.com/microsoft/Teams-AdaptiveCards-Mobile>, <https://github.com/webex/AdaptiveCards>): what a person
//! sees.

/// Which one reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phone {
    Teams,
    Webex,
}

impl Phone {
    /// Whether a backslash before this is not seen.
    fn drops_escape_of(self, character: char) -> bool {
        is_key(character) || self == Self::Teams && is_sign(character)
    }

    /// What is seen of a text.
    pub(super) fn read(self, text: &str) -> String {
        let characters: Vec<char> = text.chars().collect();
        let mut reader = Reader {
            phone: self,
            characters: &characters,
            at: 0,
        };
        let mut pieces = Vec::new();
        while reader.peek().is_some() {
            reader.block(&mut pieces);
        }
        seen(pieces)
    }
}

enum Piece {
    Text(String),
    /// A row of signs: what it says, how many of them count, and what it can be.
    Marks {
        row: Vec<char>,
        count: usize,
        begins: bool,
        ends: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Space,
    Letter,
    Punctuation,
    Escape,
}

impl Before {
    fn of(character: Option<char>, last: Self) -> Self {
        match character {
            Some('\\') => Self::Escape,
            Some(one) if is_letter(one) => Self::Letter,
            Some(one) if one.is_ascii_whitespace() => Self::Space,
            Some(one) if one.is_ascii_punctuation() => Self::Punctuation,
            _ => last,
        }
    }
}

fn is_letter(character: char) -> bool {
    character.is_ascii_alphanumeric() || !character.is_ascii()
}

fn is_sign(character: char) -> bool {
    "*_".contains(character)
}

/// Whether it is read by itself.
fn is_key(character: char) -> bool {
    "[])\n".contains(character)
}

struct Reader<'t> {
    phone: Phone,
    characters: &'t [char],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    /// Whether it was a link.
    fn block(&mut self, out: &mut Vec<Piece>) -> bool {
        let follows = self.characters.get(self.at + 1).copied();
        match self.peek() {
            Some('[') => return self.link(out),
            Some(one) if is_key(one) => {
                self.at += 1;
                out.push(Piece::Text(one.to_string()));
            }
            Some('-' | '+' | '*') if follows == Some(' ') => {
                self.at += 1;
                while self.peek() == Some(' ') {
                    self.at += 1;
                }
            }
            Some(one @ ('-' | '+')) => {
                self.at += 1;
                out.push(Piece::Text(one.to_string()));
            }
            Some(one) if one.is_ascii_digit() => {
                let mut number = String::new();
                while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
                    number.push(digit);
                    self.at += 1;
                }
                if self.peek() == Some('.') {
                    self.at += 1;
                } else {
                    out.push(Piece::Text(number));
                }
            }
            Some(_) => self.styled(out),
            None => {}
        }
        false
    }

    fn styled(&mut self, out: &mut Vec<Piece>) {
        let mut before = Before::Nothing;
        let mut text = String::new();
        while let Some(one) = self.peek() {
            if is_key(one) && before != Before::Escape {
                break;
            }
            if is_sign(one) && before != Before::Escape {
                out.push(Piece::Text(std::mem::take(&mut text)));
                let last = self.at.checked_sub(1).map(|at| self.characters[at]);
                before = Before::of(last, before);
                self.marks(before, out);
                match self.peek() {
                    None => break,
                    Some(key) if is_key(key) => break,
                    // It is skipped.
                    Some('\\') => self.at += 1,
                    Some(_) => {}
                }
                before = Before::of(self.peek(), before);
                text.extend(self.next());
                continue;
            }
            if before == Before::Escape && self.phone.drops_escape_of(one) {
                text.pop();
            }
            before = Before::of(Some(one), before);
            text.push(one);
            self.at += 1;
        }
        out.push(Piece::Text(text));
    }

    fn marks(&mut self, before: Before, out: &mut Vec<Piece>) {
        let mut row = Vec::new();
        while let Some(one) = self.peek().filter(|one| is_sign(*one)) {
            row.push(one);
            self.at += 1;
        }
        let (sign, next) = (row[0], self.peek());
        let is_punctuation = next.is_some_and(|next| next.is_ascii_punctuation());
        let is_space = next.is_none_or(|next| next.is_ascii_whitespace());
        let is_in_word = before == Before::Letter && sign == '_';
        let begins = !(is_space || is_in_word || before == Before::Letter && is_punctuation);
        let stands = before != Before::Space;
        let is_behind = before == Before::Punctuation;
        let ends = is_space && stands && (is_behind || is_in_word || sign == '*')
            || next.is_some_and(is_letter)
                && stands
                && before != Before::Nothing
                && !is_behind
                && !is_in_word
            || is_punctuation && stands;
        if !begins && !ends {
            out.push(Piece::Text(row.into_iter().collect()));
            return;
        }
        let count = row.iter().filter(|one| **one == sign).count();
        out.push(Piece::Marks {
            row,
            count,
            begins,
            ends,
        });
    }

    fn link(&mut self, out: &mut Vec<Piece>) -> bool {
        let mut label = vec![Piece::Text(self.next().into_iter().collect())];
        let mut has_link = false;
        while self.peek().is_some_and(|one| one != ']') && !has_link {
            has_link = self.block(&mut label);
        }
        let rest = &self.characters[self.at..];
        let length = if rest.starts_with(&[']', '(']) {
            let mut open = 0;
            rest.iter().position(|one| {
                open += i32::from(*one == '(') - i32::from(*one == ')');
                *one == ')' && open == 0
            })
        } else {
            None
        };
        let Some(length) = length.filter(|_| !has_link) else {
            label.extend((self.peek() == Some(']')).then(|| Piece::Text("]".to_owned())));
            self.at += usize::from(self.peek() == Some(']'));
            out.append(&mut label);
            return has_link;
        };
        self.at += length + 1;
        label.remove(0);
        out.push(Piece::Text(seen(label)));
        true
    }
}

/// What is seen of pieces: pairs of marks are not.
fn seen(mut pieces: Vec<Piece>) -> String {
    let places = pieces.iter().enumerate();
    let places = places.filter(|(_, piece)| matches!(piece, Piece::Marks { .. }));
    let places: Vec<usize> = places.map(|(place, _)| place).collect();
    let mut open: Vec<usize> = Vec::new();
    let mut turn = 0;
    while let Some(place) = places.get(turn).copied() {
        let Some((sign, count, begins, ends)) = of(&pieces, place) else {
            break;
        };
        if begins && (!ends || open.is_empty()) {
            open.push(place);
            turn += 1;
            continue;
        }
        let is_pair = |other: &usize| {
            of(&pieces, *other).is_some_and(|(one, others, of_begins, of_ends)| {
                let is_both = begins && ends || of_begins && of_ends;
                one == sign && !(is_both && (count + others).is_multiple_of(3))
            })
        };
        let Some(partner) = open.iter().rposition(is_pair) else {
            let is_same = open.last().and_then(|last| of(&pieces, *last));
            if begins && is_same.is_some_and(|(one, ..)| one == sign) {
                open.push(place);
            }
            turn += 1;
            continue;
        };
        open.truncate(partner + 1);
        let other = open[partner];
        let used = count.min(of(&pieces, other).map_or(0, |(_, count, ..)| count));
        for used_up in [place, other] {
            if let Some(Piece::Marks { count, .. }) = pieces.get_mut(used_up) {
                *count -= used;
            }
        }
        let left = |at| of(&pieces, at).map_or(0, |(_, count, ..)| count);
        if left(other) == 0 {
            open.pop();
        }
        if left(place) == 0 {
            turn += 1;
        }
    }
    let shown = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Marks { row, count, .. } => row[row.len() - count..].iter().collect(),
    });
    shown.collect()
}

fn of(pieces: &[Piece], place: usize) -> Option<(char, usize, bool, bool)> {
    match pieces.get(place)? {
        Piece::Marks {
            row,
            count,
            begins,
            ends,
        } => Some((row[0], *count, *begins, *ends)),
        Piece::Text(_) => None,
    }
}
