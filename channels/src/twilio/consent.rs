//! STOP, START and HELP: whether somebody wants messages
//! (<https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out>). They never reach the bot; after STOP
//! nothing is sent until START. Twilio itself answers them, and refuses what is sent after STOP (21610), on
//! numbers in most countries; here it holds for all.

/// What somebody says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consent {
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
    /// As [`Consent::Start`] where messages were stopped; else an everyday answer.
    Yes,
    /// Who writes, and how to stop it: Twilio answers that.
    Help,
}

/// What Twilio takes for STOP on a number, whatever its case.
const STOP: &[&str] = &[
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "CANCEL",
    "END",
    "QUIT",
    "REVOKE",
    "OPTOUT",
];

/// What is said of it by these fields of a message: who wrote, what Twilio took it for (with Advanced Opt-Out
/// alone), and the text.
pub(super) fn said(user: &str, opt_out_type: &str, text: &str) -> Option<Consent> {
    match opt_out_type.trim().to_ascii_uppercase().as_str() {
        "STOP" => return Some(Consent::Stop),
        "START" => return Some(Consent::Start),
        "HELP" => return Some(Consent::Help),
        _ => {}
    }
    let word = text.trim().to_ascii_uppercase();
    // On WhatsApp nobody but the bot answers, and `cancel` is an answer like others.
    let is_whatsapp = user.starts_with("whatsapp:");
    match word.as_str() {
        "STOP" | "STOPALL" | "UNSUBSCRIBE" => Some(Consent::Stop),
        "START" | "UNSTOP" => Some(Consent::Start),
        "HELP" => Some(Consent::Help),
        "YES" => Some(Consent::Yes),
        _ if is_whatsapp => None,
        "INFO" => Some(Consent::Help),
        word if STOP.contains(&word) => Some(Consent::Stop),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyword_is_a_whole_text_in_any_case() {
        let sms = |text: &str| said("+15551234567", "", text);
        for stop in [
            "STOP",
            "stop",
            " Stop\n",
            "cancel",
            "End",
            "QUIT",
            "unsubscribe",
            "OptOut",
        ] {
            assert_eq!(sms(stop), Some(Consent::Stop), "{stop}");
        }
        assert_eq!(sms("start"), Some(Consent::Start));
        assert_eq!(sms("Unstop"), Some(Consent::Start));
        assert_eq!(sms("yes"), Some(Consent::Yes));
        assert_eq!(sms("help"), Some(Consent::Help));
        assert_eq!(sms("info"), Some(Consent::Help));
        for other in [
            "",
            "STOP it",
            "don't stop",
            "STOP.",
            "started",
            "HELP ME",
            "NO",
        ] {
            assert_eq!(sms(other), None, "{other}");
        }
    }

    #[test]
    fn on_whatsapp_everyday_words_are_for_the_bot() {
        let whatsapp = |text: &str| said("whatsapp:+15551234567", "", text);
        assert_eq!(whatsapp("STOP"), Some(Consent::Stop));
        assert_eq!(whatsapp("START"), Some(Consent::Start));
        for other in ["cancel", "end", "quit", "info"] {
            assert_eq!(whatsapp(other), None, "{other}");
        }
    }

    #[test]
    fn what_twilio_took_it_for_counts_first() {
        let said = |kind: &str, text: &str| said("+15551234567", kind, text);
        assert_eq!(said("STOP", "arrêt"), Some(Consent::Stop));
        assert_eq!(said("START", "stop"), Some(Consent::Start));
        assert_eq!(said("HELP", "aide"), Some(Consent::Help));
    }
}
