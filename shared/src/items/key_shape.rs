//! What the key of an item looks like.

/// The partition key and the sort key of an item. What stands between two `#` is a word or has a name, as in
/// `user#{user}`; what is called `{key..}`, with two dots, takes all that follows, `#` too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyShape(pub &'static str, pub &'static str);

impl KeyShape {
    /// Whether a key looks like it.
    #[must_use]
    pub fn is_of(&self, pk: &str, sk: &str) -> bool {
        parts(self.0, pk).is_some() && parts(self.1, sk).is_some()
    }

    /// The part of a key, which looks like it, that is called so.
    #[must_use]
    pub fn part<'a>(&self, name: &str, pk: &'a str, sk: &'a str) -> Option<&'a str> {
        let parts = [parts(self.0, pk)?, parts(self.1, sk)?].concat();
        let mut parts = parts.into_iter();
        parts.find_map(|(called, part)| (called == name).then_some(part))
    }

    /// Whether it has an `auth_id` in it.
    #[must_use]
    pub fn names_user(&self) -> bool {
        [self.0, self.1]
            .iter()
            .any(|shape| shape.contains("{user}"))
    }

    /// It, as people read it: without the dots.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("`{}` / `{}`", self.0, self.1).replace("..}", "}")
    }
}

/// The parts of a text that have a name, with their names; `None` where it looks otherwise. No part is empty, but
/// one that takes all that follows.
fn parts<'a>(shape: &'static str, text: &'a str) -> Option<Vec<(&'static str, &'a str)>> {
    let (mut named, mut rest) = (Vec::new(), Some(text));
    for wanted in shape.split('#') {
        let all = rest?;
        let name = wanted
            .strip_prefix('{')
            .and_then(|name| name.strip_suffix('}'));
        if let Some(name) = name.and_then(|name| name.strip_suffix("..")) {
            named.push((name, all));
            return Some(named);
        }
        let (part, after) = match all.split_once('#') {
            Some((part, after)) => (part, Some(after)),
            None => (all, None),
        };
        match name {
            Some(_) if part.is_empty() => return None,
            Some(name) => named.push((name, part)),
            None if part == wanted => {}
            None => return None,
        }
        rest = after;
    }
    rest.is_none().then_some(named)
}
