//! Any message at all: no page of it is more than a provider takes.

use proptest::prelude::*;

use super::*;
use crate::limits::Counted;

fn any_message() -> impl Strategy<Value = Value> {
    let text = || "(\\PC|[a-z]{1,9}|\\. | |\n|\\*[a-z]{1,4}\\*|`|```|https://a\\.example/[a-z]{0,5}|<|&){0,60}";
    let action = (text(), 0..6_usize).prop_map(|(label, kind)| {
        let (kind, uri) = [
            ("TEXT_ONLY", ""),
            ("TEXT_ONLY", ""),
            ("APP_ACTION", "LINK"),
            ("APP_ACTION", "CALL"),
            ("APP_FEEDBACK", ""),
            ("APP_ACTION", "CAROUSEL_DETAIL"),
        ][kind];
        json!({"actionable_text": label, "type": kind, "uri": uri, "payload": {
            "url": "https://a.example", "phone": "+91 1", "title": label, "images": ["https://a.example/b.png"],
        }})
    });
    let actions = || proptest::collection::vec(action.clone(), 0..14);
    let card = (text(), text(), any::<bool>(), actions()).prop_map(|(title, about, picture, actionables)| {
        let thumbnail = if picture { "https://a.example/a.png" } else { "" };
        json!({"title": title, "description": about, "thumbnail": thumbnail, "actionables": actionables})
    });
    let long = proptest::collection::vec(text(), 0..40).prop_map(|texts| texts.join(" "));
    prop_oneof![
        (long.clone(), actions()).prop_map(|(text, all)| json!({"text": text, "data": {"quick_replies": all}})),
        (long, proptest::collection::vec(card, 0..5))
            .prop_map(|(text, cards)| json!({"text": text, "type": "CAROUSEL", "data": {"items": cards}})),
        (text(), text()).prop_map(|(title, hint)| json!({"type": "FORM", "title": title, "data": {"fields": [{"hint": hint}]}})),
    ]
}

/// Panics when a page is more than its provider takes.
pub(in crate::render) fn check(page: &Page, limits: &Limits) {
    let printed = page.text(limits.markup);
    let seen = match limits.counted {
        Counted::AsSent => printed,
        Counted::AsShown => page.text(Markup::Plain),
    };
    let room = match limits.pictures {
        Pictures::ByUrl { caption, .. } if page.picture().is_some() => caption,
        _ => limits.text,
    };
    assert!(!page.blocks.is_empty());
    if limits.is_bubble() {
        // Plain text has a link's address, which is not counted where it is not seen.
        let has_links = page.text(Markup::Html).contains("<a ");
        assert!(
            room.fits(&seen) || has_links,
            "{} above {room:?}",
            seen.len()
        );
        let pictures = page
            .blocks
            .iter()
            .filter(|block| matches!(block, Block::Picture(_)));
        assert!(pictures.count() <= 1);
        let sets = page
            .choices()
            .filter(|set| !matches!(set, Targets::Numbered(..)));
        assert!(sets.count() <= 1);
    }
    for button in page.buttons() {
        assert!(!button.label.trim().is_empty());
        if let (
            Some(buttons),
            Target::Callback {
                data: Some(data), ..
            },
        ) = (limits.buttons, &button.target)
        {
            assert!(buttons.data.fits(data) && buttons.label.fits(&button.label));
        }
    }
}

proptest! {
    #[test]
    fn every_page_of_any_message_is_within_every_providers_limits(raw in any_message()) {
        let message = outgoing(raw);
        let Content::Message { hsl, .. } = &message.content else { panic!("a message") };
        for limits in [MESSENGER, WITH_CARDS, WITH_A_MENU, SMS, WORKPLACE] {
            let pages = pages(&message, &limits);
            for page in &pages {
                check(page, &limits);
            }
            // Each tap is there, in whichever form, and once.
            let mut taps: Vec<usize> = pages
                .iter()
                .flat_map(Page::buttons)
                .filter_map(|button| match &button.target {
                    Target::Callback { tap: Tap::Say { index, .. }, .. } => Some(*index),
                    _ => None,
                })
                .collect();
            taps.dedup();
            let said = hsl.actionables().enumerate();
            let said = said.filter(|(_, one)| matches!(one.effect(), haptik_bridge_shared::message::hsl::Effect::Say(_)));
            prop_assert_eq!(taps, said.map(|(index, _)| index).collect::<Vec<_>>());
        }
    }
}
