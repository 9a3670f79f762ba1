//! The addresses that HSL carries, wherever they are in it.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Every address that is anywhere in what was read.
fn addresses(hsl: &Hsl) -> Vec<String> {
    let mut found = Vec::new();
    let cards = |cards: &[Card], found: &mut Vec<String>| {
        found.extend(cards.iter().map(|card| card.thumbnail.clone()));
    };
    if let Element::Carousel { items } = &hsl.element {
        cards(items, &mut found);
    }
    if let Element::Form(form) = &hsl.element {
        found.extend(form.fields.iter().map(|field| field.search_source.clone()));
    }
    for actionable in hsl.actionables() {
        let payload = &actionable.payload;
        found.extend(payload.images.iter().cloned().chain([payload.url.clone()]));
        cards(&payload.items, &mut found);
        if let Effect::Open { url, .. } = actionable.effect() {
            found.push(url);
        }
    }
    found.retain(|address| !address.is_empty());
    found
}

/// Each element with the address in each place that it has for one, and how often it is then there to be read.
fn with_address(url: &str) -> Vec<(Value, usize)> {
    let tapped = |uri: &str, payload: Value| json!({"actionable_text": "Go", "type": "APP_ACTION", "uri": uri, "payload": payload});
    let mut tapped_ones = vec![(
        json!({"actionable_text": "Go", "type": "SHARE_APP", "payload": {"url": url}}),
        2,
    )];
    for uri in ["LINK", "SELF_SERVE_WEB"] {
        for payload in [
            json!({"url": url}),
            json!({"link": url}),
            json!({"url": "", "link": url}),
        ] {
            tapped_ones.push((tapped(uri, payload.clone()), 2));
            tapped_ones.push((tapped(uri, payload.to_string().into()), 2));
        }
    }
    for payload in [
        json!({"title": "t", "images": [url]}),
        json!({"title": "t", "images": [{"image": url}]}),
        json!({"title": "t", "image": url}),
        json!({"title": "t", "items": [{"title": "c", "thumbnail": url}]}),
        json!({"title": "t", "items": [{"title": "c", "thumbnail": {"image": url}}]}),
    ] {
        tapped_ones.push((tapped("CAROUSEL_DETAIL", payload), 1));
    }
    let inner = json!({"title": "t", "actionables": [tapped("LINK", json!({ "url": url }))]});
    tapped_ones.push((tapped("CAROUSEL_DETAIL", inner), 2));
    let mut all = vec![
        (
            json!({"type": "CAROUSEL", "data": {"items": [{"title": "c", "thumbnail": url}]}}),
            1,
        ),
        (
            json!({"type": "CAROUSEL", "data": {"items": [{"title": "c", "thumbnail": {"image": url}}]}}),
            1,
        ),
        (
            json!({"type": "FORM", "data": {"fields": [{"key": "k", "type": "search", "search_source": url}]}}),
            1,
        ),
    ];
    for (one, times) in tapped_ones {
        all.push((
            json!({"type": "TEXT", "data": {"quick_replies": [one]}}),
            times,
        ));
        all.push((json!({"type": "BUTTON", "data": {"items": [one]}}), times));
        all.push((
            json!({"type": "CAROUSEL", "data": {"items": [{"title": "c", "actionables": [one]}]}}),
            times,
        ));
        all.push((json!({"type": "CAROUSEL", "data": {"items": [{"title": "c", "mini_actionable": one}]}}), times));
    }
    all
}

/// An address as templates write it into HTML.
fn escaped(url: &str, style: usize) -> String {
    url.chars()
        .map(|sign| match (sign, style) {
            ('&', 0) => "&amp;".to_owned(),
            ('&', 1) => "&#38;".to_owned(),
            ('&', 2) => "&#x26;".to_owned(),
            ('&', _) => "&AMP;".to_owned(),
            ('\'', 0) => "&#039;".to_owned(),
            ('\'', _) => "&#x27;".to_owned(),
            ('"', 0 | 1) => "&quot;".to_owned(),
            ('/', 2) => "&#x2F;".to_owned(),
            ('=', 2) => "&#x3D;".to_owned(),
            (sign, _) => sign.to_string(),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_address_of_every_element_is_read_alike(
        rest in "[a-z0-9/=&'\"%+.~_-]{0,24}",
        style in 0_usize..4,
    ) {
        let url = format!("https://a.example/?x=1&{rest}");
        for (body, times) in with_address(&escaped(&url, style)) {
            let mut body = body;
            body["text"] = "Pick".into();
            let found = addresses(&Hsl::read(&body));
            prop_assert_eq!(&found, &vec![url.clone(); times], "{}", body);
        }
    }
}
