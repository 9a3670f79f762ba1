use serde_json::json;

use super::*;
use crate::render::layout::pages;
use crate::render::layout::tests::{MESSENGER, WITH_CARDS, check, outgoing, shown};

/// A page in all its forms, the richest first.
fn forms(page: &Page) -> Vec<Page> {
    std::iter::successors(Some(page.clone()), Page::simpler).collect()
}

#[test]
fn a_page_becomes_simpler_level_by_level_and_stays_itself() {
    let raw = json!({"text": "", "type": "CAROUSEL", "data": {"items": [{
        "title": "*One*",
        "thumbnail": {"image": "https://a.example/a.png"},
        "actionables": [{"actionable_text": "A"}, {"actionable_text": "Site", "uri": "LINK", "payload": {"url": "https://a.example"}}],
    }]}});
    let page = &pages(&outgoing(raw), &WITH_CARDS)[0];
    let forms = forms(page);
    assert_eq!(
        shown(&forms),
        [
            "card One: A, Site → https://a.example",
            "[https://a.example/a.png | One]\nOne\nButtons: A, Site → https://a.example",
            "One (https://a.example/a.png)\n\nOne\nButtons: A, Site → https://a.example",
            "One (https://a.example/a.png)\n\nOne\nButtons: A, Site → https://a.example",
            "One (https://a.example/a.png)\n\nOne\n\nSite: https://a.example\n\n1. A",
            "One (https://a.example/a.png)\n\nOne\n\nSite: https://a.example\n\n1. A",
        ]
    );
    for form in &forms {
        assert_eq!((form.index, &form.key), (page.index, &page.key));
        assert!(form.fallback.contains("One"));
        check(form, &WITH_CARDS);
    }
}

#[test]
fn many_cards_in_one_bubble_have_their_buttons_together() {
    let card = |title: &str, label: &str| json!({"title": title, "thumbnail": "https://a.example/a.png", "actionables": [{"actionable_text": label}]});
    let raw = json!({"type": "CAROUSEL", "data": {"items": [card("One", "A"), card("Two", "B")]}});
    let page = &pages(&outgoing(raw), &WITH_CARDS)[0];
    let simpler = page.simpler().expect("a simpler form");
    assert_eq!(
        shown(&[simpler]),
        [
            "One (https://a.example/a.png)\n\nOne\n\nTwo (https://a.example/a.png)\n\nTwo\nButtons: A, B"
        ]
    );
}

#[test]
fn a_text_without_markup_has_no_simpler_form() {
    let plain = &pages(&outgoing(json!({"text": "Hello\nyou"})), &MESSENGER)[0];
    assert!(plain.simpler().is_none());
    let bold = &pages(&outgoing(json!({"text": "*Hello* `you`"})), &MESSENGER)[0];
    let simpler = bold.simpler().expect("a simpler form");
    assert_eq!(simpler.text(Markup::Html), "Hello you");
    assert!(simpler.simpler().is_none());
    // It ends: a list is one in plain text too.
    let list = &pages(
        &outgoing(json!({"text": "*Pick*\n- one\n- two"})),
        &MESSENGER,
    )[0];
    let simpler = list.simpler().expect("a simpler form");
    assert!(simpler.simpler().is_none());
}

#[test]
fn numbers_run_on_through_the_pages_of_a_message() {
    let card = |title: &str| {
        json!({"title": title, "thumbnail": "https://a.example/a.png",
            "actionables": [{"actionable_text": "A"}, {"actionable_text": "B"}]})
    };
    let items: Vec<_> = (0..3).map(|at| card(&format!("Card {at}"))).collect();
    let raw = json!({"type": "CAROUSEL", "data": {"items": items}});
    let pages = pages(&outgoing(raw), &MESSENGER);
    assert!(pages.len() > 1);
    let mut numbers = Vec::new();
    for page in &pages {
        let simplest = forms(page).pop().expect("a form");
        numbers.extend(simplest.numbered().map(|(number, _)| number));
    }
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
}
