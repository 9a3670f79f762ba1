//! What people and bots write, by each markup's own rules: nothing that is seen is lost, and no mark is seen.

use super::seeds::for_seeds;
use proptest::prelude::*;

use super::phones::Phone;
use super::readers::{commonmark, html, letters, mrkdwn};
use super::*;
use crate::limits::{Counted, Size, Unit};
use crate::render::inline::read;
use crate::render::split::split;

const MARKUPS: [Markup; 6] = [
    Markup::Mrkdwn,
    Markup::Chat,
    Markup::Html,
    Markup::CommonMark,
    Markup::Card,
    Markup::Plain,
];

/// What is seen of a text in a markup, by that markup's own rules.
fn seen_in(markup: Markup, text: &[Span]) -> String {
    let printed = markup.print(text);
    letters(&match markup {
        Markup::Mrkdwn => mrkdwn(&printed, true),
        Markup::Chat => mrkdwn(&printed, false),
        Markup::Html => html(&printed),
        Markup::CommonMark => commonmark(&printed),
        Markup::Card => card(&printed),
        Markup::Plain => printed,
    })
}

/// What is seen of a text in a card, which each client shows alike.
fn card(printed: &str) -> String {
    let shown = commonmark(printed);
    for phone in [Phone::Teams, Phone::Webex] {
        let there = phone.read(printed);
        assert_eq!(letters(&there), letters(&shown), "{phone:?} of {printed:?}");
    }
    shown
}

/// Whether each markup shows the text that was read, and nothing beside it.
fn check(written: &str) -> Result<(), TestCaseError> {
    let text = read(written);
    let expected = letters(&seen(&text));
    for markup in MARKUPS
        .into_iter()
        .filter(|markup| *markup != Markup::Plain)
    {
        // Where such an address is no link, it stands behind its label.
        if matches!(markup, Markup::Chat | Markup::Html) && has_other_links(&text) {
            continue;
        }
        let shown = seen_in(markup, &text);
        prop_assert_eq!(
            &shown,
            &expected,
            "{:?} of {:?}: {:?}",
            markup,
            written,
            markup.print(&text)
        );
    }
    Ok(())
}

fn has_other_links(text: &[Span]) -> bool {
    text.iter().any(|span| match span {
        Span::Link { url, .. } => !url.starts_with("http"),
        other => other
            .emphasis()
            .is_some_and(|(_, inside)| has_other_links(inside)),
    })
}

fn examples() -> Vec<(String, String)> {
    serde_json::from_str(include_str!("../../inline/tests/commonmark.json")).expect("pairs")
}

#[test]
fn signs_that_are_text_are_no_marks() {
    for written in [
        r"\*not bold\*",
        r"\_so\_ \~so\~ \`so\`",
        "&#42;not bold&#42;",
        r"**a \*b\* c**",
        r"**\*\***",
        r"~~a \~ b\~ c~~",
        r"_a\_ b_",
        "`` a`b `` and `c`",
        r"(\*) and (\*)",
        r"\*\*\*so\*\*\*",
        "**a**\\*\\*",
        "2 * 3, 4 *5 and 6* 7",
        r"\`\`\` so \`\`\`",
    ] {
        check(written).expect(written);
    }
    let printed = |text: &str| Markup::Mrkdwn.print(&read(text));
    assert_eq!(printed(r"\*no\* *yes*"), "*\u{200b}no* *yes*");
    for untouched in [
        "2 * 3",
        "snake_case_name",
        "price*",
        "*open",
        "a*b*c",
        "~5",
        "_id",
    ] {
        assert_eq!(printed(untouched), untouched);
    }
}

#[test]
fn three_backticks_in_a_label_begin_no_block() {
    let text = [Span::Link {
        url: "https://a.example/?q=```".to_owned(),
        label: "word````word".to_owned(),
    }];
    let shown = "<https://a.example/?q=%60%60%60|word‵‵‵‵word>";
    assert_eq!(Markup::Mrkdwn.print(&text), shown);
    assert_eq!(Markup::Chat.print(&text), shown);
}

#[test]
fn every_example_of_commonmark_is_seen_in_every_markup() {
    for (markdown, _) in examples() {
        check(&markdown).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Words of twelve scripts, some with what makes one visible character of several.
const WORDS: [&str; 26] = [
    "word",
    "don't",
    "重要",
    "東京タワー",
    "мир",
    "سلام",
    "नमस्ते",
    "क्षत्रिय",
    "สวัสดีครับ",
    "한국어",
    "שלום",
    "ひらがな",
    "Καλημέρα",
    "Բարեւ",
    "გამარჯობა",
    "தமிழ்நாடு",
    "বাংলা",
    "7",
    "😀",
    "🇮🇳",
    "👩\u{200d}👩\u{200d}👧",
    "👍🏽",
    "e\u{301}te\u{301}",
    "❤\u{fe0f}",
    "1\u{fe0f}\u{20e3}",
    "ﷺ",
];

/// An inline piece of Markdown or HTML, and the words in it.
fn any_inline() -> impl Strategy<Value = String> {
    let word = prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
    let piece = prop_oneof![
        6 => word,
        1 => prop::sample::select(vec![
            "https://a.example/x_(y)?q=1&amp;z=2", "www.a.example/a_b_", "<https://a.example>", "help@a.example",
            "snake_case_name", "2 * 3", "5*6", "\\*", "\\_", "\\~", "\\`", "&lt;b&gt;", "&amp;", "&#42;", "<", ">", "&",
            "<!channel>", "<@U123>", "<users/all>", "*", "_", "~", "`", "**", "__", "~~", "{x}", "|", "#", "C:\\a",
        ]).prop_map(str::to_owned),
    ];
    piece.prop_recursive(3, 24, 4, |inner| {
        let joined = prop::collection::vec(
            (
                inner,
                prop::sample::select(vec![" ", " ", "", "，", ". ", "\n"]),
            ),
            1..4,
        );
        let joined = joined.prop_map(|parts| {
            parts
                .into_iter()
                .flat_map(|(part, gap)| [part, gap.to_owned()])
                .collect::<String>()
        });
        (joined, 0..14).prop_map(|(inside, kind)| {
            let inside = inside.trim();
            match kind {
                0 => format!("**{inside}**"),
                1 => format!("*{inside}*"),
                2 => format!("_{inside}_"),
                3 => format!("~~{inside}~~"),
                4 => format!("`{inside}`"),
                5 => format!("[{inside}](https://a.example/p?a=1&amp;b=2 \"T\")"),
                6 => format!("<b>{inside}</b>"),
                7 => format!("<i>{inside}</i>"),
                8 => format!("<a href=\"https://a.example\">{inside}</a>"),
                9 => format!("***{inside}***"),
                10 => format!("``{inside}``"),
                11 => format!("<code>{inside}</code>"),
                12 => format!("<u>{inside}</u>"),
                _ => inside.to_owned(),
            }
        })
    })
}

fn any_markdown() -> impl Strategy<Value = String> {
    let line = prop::collection::vec(any_inline(), 1..5).prop_map(|parts| parts.join(" "));
    let block = (line, 0..16).prop_map(|(line, kind)| {
        let one = line.replace('\n', " ");
        match kind {
            0 => format!("# {one}"),
            1 => format!("- {one}\n- {one}"),
            2 => format!("* {one}\n* {one}\n  * {one}"),
            3 => format!("1. {one}\n2. {one}"),
            4 => format!("> {line}"),
            5 => format!("```json\n{line}\n```"),
            6 => format!("~~~\n{line}\n~~~"),
            7 => format!(
                "| a | b |\n|---|---|\n| {} | {} |",
                one.replace('|', "/"),
                one.replace('|', "/")
            ),
            8 => format!("<p>{line}</p><ul><li>{one}</li></ul>"),
            9 => format!("{line}<br>{one}"),
            10 => format!("---\n\n{line}"),
            11 => format!("    {line}"),
            12 => format!("{one}\n===="),
            _ => line,
        }
    });
    prop::collection::vec(block, 1..4).prop_map(|blocks| blocks.join("\n\n"))
}

#[test]
fn random_markdown_is_seen_in_every_markup() {
    for_seeds(1_000, any_markdown, |written| check(&written));
}

#[test]
fn no_word_of_random_markdown_is_lost() {
    for_seeds(1_000, any_markdown, |written| {
        let shown = letters(&seen(&read(&written)));
        // What stands behind the marks of a fence is its language.
        let lines = written.lines();
        let lines = lines.filter(|line| !line.contains("```") && !line.contains("~~~"));
        let lines = letters(&lines.collect::<String>());
        for word in WORDS {
            let word = letters(word);
            let (there, wanted) = (shown.matches(&word).count(), lines.matches(&word).count());
            prop_assert!(there >= wanted, "{word} of {written:?}: {shown:?}");
        }
        Ok(())
    });
}

/// Texts that a long run of random ones found.
#[test]
fn signs_in_a_row_begin_and_end_no_style() {
    for written in [
        "# <code>``__ word``</code> _word_",
        "# ~~**_word __**. x~~",
        "** word *word*",
        r"\*\* a *b*",
        r"_a_ \_\_. b",
        r"*a* b \*\*, c",
    ] {
        check(written).expect(written);
    }
}

/// The ends of grapheme clusters, with what is seen before each.
fn clusters(text: &str) -> Vec<&str> {
    use unicode_segmentation::UnicodeSegmentation as _;
    text.graphemes(true)
        .filter(|one| !one.trim().is_empty())
        .collect()
}

/// Whether a text that is cut at a limit is the text, each part within the limit and seen as it was.
fn check_cut(
    written: &str,
    text: &[Span],
    (markup, counted): (Markup, Counted),
    size: Size,
) -> Result<(), TestCaseError> {
    let parts = split(text, size, markup, counted);
    let size = size.of(&markup.print(text));
    let plain: Vec<String> = parts.iter().map(|part| Markup::Plain.print(part)).collect();
    let mut joined = Vec::new();
    for (part, plain) in parts.iter().zip(&plain) {
        let counts = match counted {
            Counted::AsSent => markup.print(part),
            Counted::AsShown => seen(part),
        };
        prop_assert!(
            size.fits(&counts),
            "{:?} of {:?}",
            markup.print(part),
            written
        );
        if markup != Markup::Plain && !has_other_links(part) {
            let (shown, meant) = (seen_in(markup, part), letters(&seen(part)));
            prop_assert_eq!(shown, meant, "{:?}: {:?}", markup, markup.print(part));
        }
        joined.extend(clusters(plain));
    }
    let whole = Markup::Plain.print(text);
    let whole = clusters(&whole);
    prop_assert_eq!(joined, whole, "{:?} at {:?} of {:?}", markup, size, written);
    Ok(())
}

const UNITS: [Unit; 4] = [Unit::Chars, Unit::Utf16, Unit::Bytes, Unit::Graphemes];

#[test]
fn a_text_cut_at_any_limit_is_the_text() {
    // Each in five markups and four units.
    for_seeds(
        60,
        || (any_markdown(), 40_usize..160),
        |(written, max)| {
            let text = read(&written);
            // No channel measures its texts by what stands in cards.
            for markup in MARKUPS.into_iter().filter(|one| *one != Markup::Card) {
                for unit in UNITS {
                    let measure = (markup, Counted::AsSent);
                    check_cut(&written, &text, measure, Size { max, unit })?;
                }
            }
            Ok(())
        },
    );
}

/// A sentence or two in each of twelve scripts.
const SCRIPTS: [&str; 12] = [
    "The order is on its way and arrives tomorrow. Please be at home.",
    "Заказ уже в пути и прибудет завтра. Пожалуйста, будьте дома.",
    "الطلب في طريقه إليك وسيصل غدًا. يرجى التواجد في المنزل.",
    "आपका ऑर्डर रास्ते में है और कल पहुँचेगा। कृपया घर पर रहें।",
    "คำสั่งซื้อกำลังจัดส่งและจะถึงพรุ่งนี้ กรุณาอยู่บ้าน",
    "주문하신 상품이 배송 중이며 내일 도착합니다. 댁에 계셔 주세요.",
    "ההזמנה בדרך ותגיע מחר. אנא היו בבית.",
    "ご注文の商品は配送中で、明日到着します。ご在宅ください。",
    "Η παραγγελία είναι καθ' οδόν και φτάνει αύριο. Παρακαλώ να είστε σπίτι.",
    "உங்கள் ஆர்டர் வழியில் உள்ளது, நாளை வந்து சேரும். தயவுசெய்து வீட்டில் இருங்கள்.",
    "আপনার অর্ডার পথে আছে এবং আগামীকাল পৌঁছাবে। দয়া করে বাড়িতে থাকুন।",
    "订单正在配送，预计明天送达。请您在家等候。",
];

/// Two hundred texts: of each script in turn, with links, emphasis and emoji at places that differ.
fn two_hundred_texts() -> impl Iterator<Item = String> {
    const EXTRAS: [&str; 8] = [
        "**{}**",
        "[{}](https://a.example/p?a=1&b=2)",
        "_{}_",
        "~~{}~~",
        "<b>{}</b>",
        "{} https://a.example/x_(y)?q={}",
        "***{}***",
        "`{}`",
    ];
    const EMOJI: [&str; 6] = [
        "😀",
        "🇮🇳🇩🇪",
        "👩\u{200d}👩\u{200d}👧",
        "👍🏽",
        "❤\u{fe0f}",
        "1\u{fe0f}\u{20e3}",
    ];
    (0..200).map(|number: usize| {
        let sentences = SCRIPTS[number % SCRIPTS.len()];
        // By words, or by visible characters where there is no space between words.
        let words: Vec<&str> = if sentences.matches(' ').count() > 2 {
            sentences.split_inclusive(' ').collect()
        } else {
            clusters(sentences)
        };
        let mut text = String::new();
        for (place, word) in words.iter().chain(&words).enumerate() {
            let turn = (place * 7 + number * 5) % 23;
            match EXTRAS.get(turn) {
                Some(extra) => {
                    let space = if word.ends_with(' ') { " " } else { "" };
                    let inside = extra.replacen("{}", word.trim_end(), 1).replace("{}", "1");
                    text.push_str(&[inside.as_str(), space].concat());
                }
                None if turn < 11 => {
                    text.push_str(&[word, EMOJI[(place + number) % EMOJI.len()]].concat());
                }
                None => text.push_str(word),
            }
        }
        text
    })
}

/// What the registered channels take; but of the one that has no limits, all have texts that are cut.
fn limits_of_channels() -> Vec<&'static crate::limits::Limits> {
    let channels = crate::registry::CHANNELS.iter();
    let limits: Vec<_> = channels.filter_map(|channel| channel.limits).collect();
    assert_eq!(limits.len() + 1, crate::registry::CHANNELS.len());
    limits
}

#[test]
fn two_hundred_texts_in_twelve_scripts_are_cut_at_every_limit_of_every_channel() {
    // Between them, the texts of each script are cut at every limit from the smallest that holds a link.
    for (number, written) in two_hundred_texts().enumerate() {
        let text = read(&written);
        let last = Unit::Bytes.length(&written) + 40;
        let turn = number / SCRIPTS.len();
        for max in (60 + turn..last).step_by(200 / SCRIPTS.len()) {
            for limits in limits_of_channels() {
                let measure = (limits.markup, limits.counted);
                let cut = check_cut(&written, &text, measure, Size { max, ..limits.text });
                cut.unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
}

#[test]
fn a_text_longer_than_a_message_is_cut_at_what_each_channel_takes() {
    for written in two_hundred_texts().take(SCRIPTS.len()) {
        for limits in limits_of_channels() {
            let section = match limits.shape {
                crate::limits::Shape::Blocks { section, .. } => section,
                crate::limits::Shape::Bubble => limits.text,
            };
            for size in [limits.text, section] {
                let times = 1 + 5 * size.max / 4 / size.unit.length(&written).max(1);
                let long = vec![written.as_str(); times].join(" ");
                let measure = (limits.markup, limits.counted);
                let cut = check_cut(&long, &read(&long), measure, size);
                cut.unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
}

/// Texts that random ones with other seeds found.
#[test]
fn marks_beside_marks_are_seen_in_no_markup() {
    for written in [
        "*~~word~~* **，*\n====",
        "_*😀*_ __\\*_，_\n====",
        "# **~~***word***~~重要**",
        "# *~~word~~<u>*重要*</u>*",
        "# **重要*~~word~~*",
        "# <b><i>\\*</i> word<i>word</i></b>",
        "* *\n* *\n  * *",
        "1. ```word``，`\n2. ```word``，`\n\n```json\nword\n```",
        "1. ```word` word``\n2. ```word` word``\n\n```json\n````word````\n```",
        "a<b>~~x~~</b>b",
        "a<u><b>!x!</b></u>b",
        "a<i>b</i>c<i>!</i>d<b>e</b><i>f</i>",
        "<u>a<b>b</b></u><b>c</b>",
        "`a``b` `` ` ```c`",
    ] {
        check(written).expect(written);
    }
}
