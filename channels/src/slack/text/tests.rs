use super::*;
use proptest::prelude::*;

fn read(text: &str) -> String {
    readable(text, &["UBOT"], EmojiNames::default()).text
}

fn ids(text: &str) -> Vec<String> {
    let mentions = readable(text, &["UBOT"], EmojiNames::default()).mentions;
    mentions.into_iter().map(|mention| mention.id).collect()
}

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
        ("&nbsp; *bold* ~no~", "&nbsp; *bold* ~no~"),
    ] {
        assert_eq!(read(text), expected);
    }
}

#[test]
fn emoji_are_characters_where_slack_shows_them() {
    for (text, expected) in [
        (":wave: hi", "👋 hi"),
        ("hi:wave::skin-tone-3::tada:", "hi👋🏼🎉"),
        ("`:wave:` :wave:", "`:wave:` 👋"),
        ("```\n:wave: `x`\n``` :wave:", "```\n:wave: `x`\n``` 👋"),
        ("` :wave:", "` 👋"),
        (
            ":acme: 10:30:45 a:x:b :x: 1:100:2 :100:",
            ":acme: 10:30:45 a:x:b ❌ 1:100:2 💯",
        ),
        ("<https://a.example/:wave:/x>", "https://a.example/:wave:/x"),
        (
            "see https://a.example/:wave:/:tada: :wave:",
            "see https://a.example/:wave:/:tada: 👋",
        ),
        ("www.a.example/:tada:\n:tada:", "www.a.example/:tada:\n🎉"),
        (":wave", ":wave"),
    ] {
        assert_eq!(read(text), expected);
    }
}

#[test]
fn what_has_no_name_is_found_where_it_stands() {
    let text = " <@U123> <@UBOT> <@U222|ravi> @U123 <#C123|> <#C222|general> <@U123> <!here> <https://a.example> <@bad> <@U9";
    let read = readable(text, &["UBOT"], EmojiNames::default());
    assert_eq!(ids(text), ["@U123", "#C123"]);
    for mention in &read.mentions {
        for at in &mention.at {
            assert!(
                read.text
                    .get(*at..)
                    .is_some_and(|rest| rest.starts_with(&mention.id))
            );
        }
    }
    let names: Vec<_> = read
        .mentions
        .iter()
        .map(|mention| (mention, "@Ravi".to_owned()))
        .collect();
    assert_eq!(
        Mention::named(&read.text, &names),
        "@Ravi @ravi @U123 @Ravi #general @Ravi @here https://a.example @bad <@U9"
    );
    let many: Vec<String> = (100..200).map(|number| format!("<@U{number}>")).collect();
    assert_eq!(ids(&many.concat()).len(), MOST_MENTIONS);
}

#[test]
fn the_apps_own_mention_is_not_part_of_what_is_said() {
    for (text, expected) in [
        ("<@UBOT> hello", "hello"),
        ("  <@UBOT|bot>: <@UBOT>, hello", "hello"),
        ("hello <@UBOT>", "hello"),
        ("ask <@UBOT> and <@U2>", "ask and @U2"),
        ("hey <@UBOT> where is my order?", "hey where is my order?"),
        ("Hello team\n<@UBOT> order 12", "Hello team\norder 12"),
        ("Hello team\n<@UBOT>\norder 12", "Hello team\norder 12"),
        ("Hello team <@UBOT>\norder 12", "Hello team\norder 12"),
        ("hello <@UBOT>, how are you <@UBOT>?", "hello, how are you?"),
        ("(ask <@UBOT>) (<@UBOT> knows)", "(ask) (knows)"),
        ("thanks *<@UBOT>* bye", "thanks bye"),
        ("a<@UBOT>b", "a b"),
        ("<@UBOT> :wave: hi", "👋 hi"),
        ("<@UBOT>:wave: hi", "👋 hi"),
        ("see <@UBOT|the bot> now", "see now"),
        ("<@UBOT>", ""),
        ("<@UBOT> <@UBOT>", ""),
        ("<@UBOTTOM> hello", "@UBOTTOM hello"),
        ("&lt;@UBOT&gt; hello", "<@UBOT> hello"),
    ] {
        assert_eq!(read(text), expected, "{text}");
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
    fn escaped_text_comes_back_as_it_was_typed(text in "[^\\p{Cc}:]*") {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        prop_assert_eq!(read(&escaped), text.trim());
    }

    /// Wherever the app is mentioned, the words are told in their order, and nothing else.
    #[test]
    fn a_mention_of_the_app_leaves_every_word(
        words in proptest::collection::vec("[a-zé好]{1,5}|<@UBOT>|<@UBOT\\|bot>", 0..8),
        space in " |\n|  ",
    ) {
        let told = read(&words.join(&space));
        prop_assert!(!told.contains("UBOT"), "{told}");
        let kept: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.starts_with('<')).collect();
        prop_assert_eq!(told.split_whitespace().collect::<Vec<_>>(), kept);
    }

    #[test]
    fn names_are_put_only_where_a_mention_stands(
        words in proptest::collection::vec("[a-z]{1,4}|@U123|<@U123>|<#C123>|:wave:|<@UBOT>", 0..10),
    ) {
        let read = readable(&words.join(" "), &["UBOT"], EmojiNames::default());
        let names: Vec<_> = read.mentions.iter().map(|mention| (mention, "NAME".to_owned())).collect();
        let named = Mention::named(&read.text, &names);
        let expected: Vec<&str> = words.iter().filter(|word| *word != "<@UBOT>").map(|word| match word.as_str() {
            "<@U123>" | "<#C123>" => "NAME",
            ":wave:" => "👋",
            other => other,
        }).collect();
        prop_assert_eq!(named, expected.join(" "));
    }

    #[test]
    fn any_text_is_read(text in "(<|>|@|#|!|\\||&amp;|&lt;|\\^|UBOT|:|`|wave|<@UBOT>|\\PC|\n){0,60}") {
        let read = readable(&text, &["UBOT"], EmojiNames::default());
        prop_assert!(!read.text.contains("<@UBOT>") || !text.contains("<@UBOT>") || text.contains("&lt;"));
    }
}
