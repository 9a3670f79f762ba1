//! What Twilio takes, by which of its channels a user is reached.

use std::time::Duration;

use super::config::Sender;
use crate::callback;
use crate::limits::{
    Buttons, Counted, Forms, Limits, Menu, Pace, Pictures, STILL, Shape, Size, WITH_GIF,
};
use crate::render::Markup;

/// By which of Twilio's channels a user is reached: what stands before the address
/// (<https://www.twilio.com/docs/messaging/channels>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Medium {
    /// SMS and MMS.
    Sms,
    /// WhatsApp.
    WhatsApp,
    /// RCS.
    Rcs,
    /// One that has only texts here.
    Other,
}

impl Medium {
    /// That of an address.
    pub(super) fn of(address: &str) -> Self {
        match address.split_once(':') {
            None => Self::Sms,
            Some(("whatsapp", _)) => Self::WhatsApp,
            Some(("rcs", _)) => Self::Rcs,
            Some(_) => Self::Other,
        }
    }

    /// What can be sent by it under this sender.
    pub(super) fn limits(self, from: &Sender) -> &'static Limits {
        let is_abroad = || {
            from.number()
                .is_some_and(|number| !number.starts_with("+1"))
        };
        match self {
            Self::WhatsApp => &WHATSAPP,
            Self::Rcs => &RCS,
            Self::Sms if is_abroad() => &WITHOUT_MMS,
            Self::Sms | Self::Other => &SMS,
        }
    }
}

/// The longest text (<https://www.twilio.com/docs/api/errors/21617>): "1600 character limit", which are UTF-16
/// units where a text is no GSM-7.
pub(super) const TEXT: Size = Size::utf16(1_600);

/// The longest text that buttons stand below (<https://www.twilio.com/docs/content/twilio-quick-reply>).
const BODY: Size = Size::utf16(1_024);

/// SMS, and MMS by which pictures go.
pub(super) const SMS: Limits = Limits {
    text: TEXT,
    counted: Counted::AsSent,
    markup: Markup::Plain,
    shape: Shape::Bubble,
    // Not documented for `MediaUrl`; what other providers take.
    address: Size::utf16(2_048),
    buttons: None,
    menu: None,
    cards: None,
    pictures: Pictures::ByUrl {
        // <https://www.twilio.com/docs/messaging/api/message-resource>: `MediaUrl`, 5 MB of JPEG, PNG and GIF.
        max_bytes: 5 << 20,
        caption: TEXT,
        // <https://www.twilio.com/docs/messaging/guides/accepted-mime-types>
        types: WITH_GIF,
    },
    forms: Forms::Chat,
    notices: false,
    agent_identity: None,
    // A long number sends one a second, and Twilio keeps what is more than that for it
    // (<https://www.twilio.com/docs/messaging/guides/scaling-queueing-latency>).
    pace: Pace {
        per_conversation: Some(Duration::from_secs(1)),
        learn_bursts: true,
        per_group: None,
    },
    // It is WhatsApp's alone, and the address does not tell it: Twilio says so (63016).
    reply_window: None,
};

/// As [`SMS`], of a number from which no MMS can be sent: those outside of North America. Twilio lists them by
/// the capabilities of each number; that `+1` has it is not documented as a rule.
const WITHOUT_MMS: Limits = Limits {
    pictures: Pictures::LinkOnly,
    ..SMS
};

/// WhatsApp, in the 24 hours after a user has written: what the Content API takes without approval
/// (<https://www.twilio.com/docs/content/content-types-overview>). Cards need it, so that a picture is a message of
/// its own.
const WHATSAPP: Limits = Limits {
    text: BODY,
    buttons: Some(Buttons {
        // <https://www.twilio.com/docs/content/twilio-quick-reply>: "only three buttons are allowed".
        most: 3,
        label: Size::utf16(20),
        // That of a list; not documented for buttons.
        data: Size::utf16(200),
        codec: callback::write,
        urls: false,
        url_taps: false,
        phones: false,
    }),
    // <https://www.twilio.com/docs/content/twiliolist-picker>
    menu: Some(Menu {
        rows: 10,
        title: Size::utf16(24),
        description: Size::utf16(72),
        data: Size::utf16(200),
        codec: callback::write,
    }),
    pictures: Pictures::ByUrl {
        max_bytes: 5 << 20,
        caption: BODY,
        // Another type is taken, and the message fails later. WebP is a sticker, which has no text.
        types: STILL,
    },
    ..SMS
};

/// RCS: a text with chips below it (<https://www.twilio.com/docs/content/twiliocard>).
const RCS: Limits = Limits {
    text: BODY,
    buttons: Some(Buttons {
        // RCS has room for eleven, and a card of Twilio's for ten.
        most: 10,
        // RCS has room for 25; 20 is what Twilio documents for all channels.
        label: Size::utf16(20),
        data: Size::utf16(200),
        codec: callback::write,
        urls: false,
        url_taps: false,
        phones: false,
    }),
    pictures: Pictures::ByUrl {
        max_bytes: 5 << 20,
        caption: BODY,
        types: WITH_GIF,
    },
    ..SMS
};
