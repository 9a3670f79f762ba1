//! Providers of several kinds: what each of them takes.

use super::*;
use crate::limits::{Cards, Counted, Menu, Pace, Shape, WITH_WEBP};

pub(super) const BUTTONS: Buttons = Buttons {
    most: 100,
    label: Size::chars(64),
    data: Size::bytes(64),
    codec: callback::write,
    urls: true,
    url_taps: false,
    phones: false,
};

/// A messenger with buttons.
pub(in crate::render) const MESSENGER: Limits = Limits {
    text: Size::utf16(4_096),
    counted: Counted::AsShown,
    markup: Markup::Html,
    shape: Shape::Bubble,
    address: Size::utf16(2_000),
    buttons: Some(BUTTONS),
    menu: None,
    cards: None,
    pictures: Pictures::ByUrl {
        max_bytes: 5 << 20,
        caption: Size::utf16(1_024),
        types: WITH_WEBP,
    },
    forms: Forms::Chat,
    notices: false,
    agent_identity: None,
    pace: Pace::FREE,
    reply_window: None,
};

/// One with cards of its own.
pub(in crate::render) const WITH_CARDS: Limits = Limits {
    cards: Some(Cards {
        most: 10,
        title: Size::graphemes(40),
        body: Size::graphemes(60),
        actions: 3,
    }),
    ..MESSENGER
};

/// One with few buttons, which open nothing, and a menu.
pub(super) const WITH_A_MENU: Limits = Limits {
    buttons: Some(Buttons {
        most: 3,
        urls: false,
        ..BUTTONS
    }),
    menu: Some(Menu {
        rows: 10,
        title: Size::chars(24),
        description: Size::chars(72),
        data: Size::bytes(200),
        codec: callback::write,
    }),
    ..MESSENGER
};

/// Text messages.
pub(super) const SMS: Limits = Limits {
    text: Size::utf16(1_600),
    counted: Counted::AsSent,
    markup: Markup::Plain,
    buttons: None,
    pictures: Pictures::LinkOnly,
    ..MESSENGER
};

/// A work place.
pub(super) const WORKPLACE: Limits = Limits {
    text: Size::bytes(4_000),
    markup: Markup::CommonMark,
    counted: Counted::AsSent,
    shape: Shape::Blocks {
        most: 20,
        section: Size::bytes(1_000),
        weight: Size::bytes(10_000),
    },
    pictures: Pictures::Inline {
        alt: Size::chars(100),
        types: WITH_WEBP,
    },
    forms: Forms::Inline { fits: |_| true },
    notices: true,
    agent_identity: Some(Size::chars(20)),
    ..WITH_CARDS
};
