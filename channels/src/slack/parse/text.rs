//! Slack's text → what a person reads
//! (<https://docs.slack.dev/messaging/formatting-message-text#parsing-message-text>).

/// The longest sequence in angle brackets that is looked for, in bytes.
const LONGEST_SEQUENCE: usize = 8_000;

/// The most names that are asked for: one message must not use up Slack's limit of calls.
const MOST_MENTIONS: usize = 10;

/// A message's text as a person reads it: names for mentions, links written out, the escaping undone
/// once. A mention of the app itself, one of `own`, goes where it begins or ends the text: it only
/// says to whom the rest is addressed.
pub(super) fn readable(text: &str, own: &[&str]) -> String {
    let mut rest = text.trim();
    while let Some(after) = own.iter().find_map(|id| without_leading_mention(rest, id)) {
        rest = after.trim_start_matches([',', ':']).trim_start();
    }
    while let Some(before) = own
        .iter()
        .find_map(|id| rest.strip_suffix(&format!("<@{id}>")))
    {
        rest = before.trim_end();
    }
    unescaped(rest)
}

/// Whether a text mentions one of these users.
pub(super) fn mentions(text: &str, users: &[&str]) -> bool {
    users
        .iter()
        .any(|id| text.contains(&format!("<@{id}>")) || text.contains(&format!("<@{id}|")))
}

/// The user whom the text mentions first thing.
pub(super) fn leading_mention(text: &str) -> Option<&str> {
    let inside = text.trim_start().strip_prefix("<@")?;
    let inside = inside.get(..inside.find('>')?)?;
    inside
        .split('|')
        .next()
        .filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// What [`readable`] leaves without a name, as it stands there: mentions of users other than `own`, and
/// channels, for which Slack gave an id only. Each once, and no more than [`MOST_MENTIONS`].
pub(super) fn unresolved_mentions(text: &str, own: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((_, from)) = rest.split_once('<') {
        rest = from;
        let Some((inside, _)) = from.split_once('>') else {
            break;
        };
        let (target, label) = inside.split_once('|').unwrap_or((inside, ""));
        let id = target.strip_prefix(['@', '#']).unwrap_or_default();
        let is_id = (3..=20).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if is_id && label.is_empty() && !own.contains(&id) && !found.iter().any(|one| one == target)
        {
            found.push(target.to_owned());
        }
        if found.len() == MOST_MENTIONS {
            break;
        }
    }
    // The longest first: one may begin as another does.
    found.sort_by_key(|target| std::cmp::Reverse(target.len()));
    found
}

fn without_leading_mention<'a>(text: &'a str, id: &str) -> Option<&'a str> {
    let after = text.strip_prefix("<@")?.strip_prefix(id)?;
    match after.strip_prefix('>') {
        Some(rest) => Some(rest.trim_start()),
        None => after
            .strip_prefix('|')?
            .split_once('>')
            .map(|(_, rest)| rest.trim_start()),
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let length = sequence(from).map(|inside| {
            out.push_str(&shown(inside));
            inside.len() + 2
        });
        let length = length.or_else(|| {
            let entities = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>')];
            let (entity, character) = entities
                .into_iter()
                .find(|(entity, _)| from.starts_with(entity))?;
            out.push(character);
            Some(entity.len())
        });
        let length = length.unwrap_or_else(|| {
            out.extend(from.chars().next());
            1
        });
        rest = from.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The inside of the `<…>` that a text starts with.
fn sequence(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('<')?;
    let end = inside
        .bytes()
        .take(LONGEST_SEQUENCE)
        .position(|byte| b"<>\n".contains(&byte))?;
    let (inside, after) = inside.split_at_checked(end)?;
    (after.starts_with('>') && !inside.is_empty()).then_some(inside)
}

/// What a `<…>` shows.
fn shown(inside: &str) -> String {
    let (target, label) = match inside.split_once('|') {
        Some((target, label)) => (entities_undone(target), entities_undone(label)),
        None => (entities_undone(inside), String::new()),
    };
    let or_label = |sign: char, id: &str| {
        let name = if label.is_empty() {
            id
        } else {
            label.trim_start_matches(sign)
        };
        format!("{sign}{name}")
    };
    if let Some(user) = target.strip_prefix('@') {
        return or_label('@', user);
    }
    if let Some(channel) = target.strip_prefix('#') {
        return or_label('#', channel);
    }
    if let Some(command) = target.strip_prefix('!') {
        return match command.split('^').collect::<Vec<_>>().as_slice() {
            ["subteam", id, ..] => or_label('@', id),
            ["date", _, format, ..] => {
                if label.is_empty() {
                    (*format).to_owned()
                } else {
                    label
                }
            }
            _ => or_label('@', command),
        };
    }
    let bare = |text: &str| {
        let schemes = ["https://", "http://", "mailto:", "tel:"];
        let text = schemes
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .unwrap_or(text);
        text.trim_end_matches('/').to_owned()
    };
    if label.is_empty() {
        // An address or a number reads better without its scheme; a link does not.
        target
            .strip_prefix("mailto:")
            .or_else(|| target.strip_prefix("tel:"))
            .unwrap_or(&target)
            .to_owned()
    } else if bare(&label) == bare(&target) {
        label
    } else {
        format!("{label} ({target})")
    }
}

fn entities_undone(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mentions_channels_and_links_read_as_a_person_reads_them() {
        for (text, expected) in [
            ("hi <@U2|asha> and <@U3>", "hi @asha and @U3"),
            ("in <#C1|general> or <#C2>", "in #general or #C2"),
            (
                "<!here> <!channel|@channel> <!subteam^S1|@support> <!subteam^S2>",
                "@here @channel @support @S2",
            ),
            ("<!date^1392734382^{date}|18 Feb>", "18 Feb"),
            (
                "<https://a.example/x?a=1&amp;b=2>",
                "https://a.example/x?a=1&b=2",
            ),
            (
                "<https://a.example|our site>",
                "our site (https://a.example)",
            ),
            (
                "<http://a.example|a.example> <https://a.example/|https://a.example>",
                "a.example https://a.example",
            ),
            (
                "<mailto:a@b.example|a@b.example> <tel:+911234|+911234> <mailto:c@d.example>",
                "a@b.example +911234 c@d.example",
            ),
            (
                "a &lt; b &amp;&amp; c &gt; d &amp;lt;",
                "a < b && c > d &lt;",
            ),
            ("1 < 2 <> <", "1 < 2 <> <"),
            ("&nbsp; *bold* :wave:", "&nbsp; *bold* :wave:"),
        ] {
            assert_eq!(readable(text, &[]), expected);
        }
    }

    #[test]
    fn what_has_no_name_is_found_once() {
        let text = "<@U123> <@UBOT> <@U222|ravi> <#C123|> <#C222|general> <@U123> <!here> <https://a.example> <@bad> <@U9";
        assert_eq!(unresolved_mentions(text, &["UBOT"]), ["@U123", "#C123"]);
        let many: Vec<String> = (100..200).map(|number| format!("<@U{number}>")).collect();
        assert_eq!(
            unresolved_mentions(&many.concat(), &[]).len(),
            MOST_MENTIONS
        );
    }

    #[test]
    fn the_apps_own_mention_is_not_part_of_what_is_said() {
        for (text, expected) in [
            ("<@UBOT> hello", "hello"),
            ("  <@UBOT|bot>: <@UBOT>, hello", "hello"),
            ("hello <@UBOT>", "hello"),
            ("ask <@UBOT> and <@U2>", "ask @UBOT and @U2"),
            ("<@UBOT>", ""),
            ("<@UBOTTOM> hello", "@UBOTTOM hello"),
        ] {
            assert_eq!(readable(text, &["UBOT"]), expected);
        }
    }

    #[test]
    fn a_mention_is_seen_with_and_without_a_label() {
        assert!(mentions("hi <@UBOT>", &["UBOT"]) && mentions("hi <@UBOT|bot>", &["UBOT"]));
        assert!(!mentions("hi <@UBOTTOM> @UBOT", &["UBOT"]) && !mentions("<@UBOT>", &[]));
        assert_eq!(leading_mention(" <@U1|x> hi"), Some("U1"));
        assert_eq!(leading_mention("hi <@U1>"), None);
    }

    proptest! {
        #[test]
        fn escaped_text_comes_back_as_it_was_typed(text in "[^\\p{Cc}]*") {
            let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            prop_assert_eq!(readable(&escaped, &["UBOT"]), text.trim());
        }

        #[test]
        fn any_text_is_read(text in "(<|>|@|#|!|\\||&amp;|&lt;|\\^|UBOT|\\PC|\n){0,60}") {
            readable(&text, &["UBOT"]);
        }
    }
}
