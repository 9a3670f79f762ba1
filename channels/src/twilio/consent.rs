//! STOP, START and HELP: whether somebody wants messages
//! (<https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out>). What Twilio answers itself
//! never reaches the bot; after STOP nothing is sent until START. Twilio refuses what is sent after STOP (21610) on
//! numbers in most countries; here it holds for all.

/// What somebody says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consent {
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
    /// As [`Consent::Start`] where messages were stopped; else an everyday answer.
    Again,
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

/// How many digits a short code has at most.
const SHORT_CODE: usize = 8;

/// What is said of it by these fields of a message: who wrote, to what number, what Twilio took it for (with Advanced
/// Opt-Out alone), and the text.
pub(super) fn said(user: &str, number: &str, opt_out_type: &str, text: &str) -> Option<Consent> {
    match opt_out_type.trim().to_ascii_uppercase().as_str() {
        "STOP" => return Some(Consent::Stop),
        "START" => return Some(Consent::Start),
        "HELP" => return Some(Consent::Help),
        _ => {}
    }
    let word = text.trim().to_ascii_uppercase();
    let is_short_code = (1..=SHORT_CODE).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit());
    // On WhatsApp nobody but the bot answers, and `cancel` is an answer like others.
    let is_whatsapp = user.starts_with("whatsapp:");
    // Nor does Twilio at a short code of one's own: a word that ends no silence is for the bot
    // (<https://help.twilio.com/articles/223181748>).
    let is_for_the_bot = is_whatsapp || is_short_code;
    match word.as_str() {
        "STOP" | "STOPALL" | "UNSUBSCRIBE" => Some(Consent::Stop),
        "START" | "UNSTOP" if is_for_the_bot => Some(Consent::Again),
        "START" | "UNSTOP" => Some(Consent::Start),
        "HELP" | "INFO" if is_for_the_bot => None,
        "HELP" => Some(Consent::Help),
        "YES" => Some(Consent::Again),
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
        let sms = |text: &str| said("+15551234567", "+15550001111", "", text);
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
        assert_eq!(sms("yes"), Some(Consent::Again));
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
        let number = "whatsapp:+15550001111";
        let whatsapp = |text: &str| said("whatsapp:+15551234567", number, "", text);
        assert_eq!(whatsapp("STOP"), Some(Consent::Stop));
        assert_eq!(whatsapp("START"), Some(Consent::Again));
        for other in ["cancel", "end", "quit", "info", "help"] {
            assert_eq!(whatsapp(other), None, "{other}");
        }
    }

    #[test]
    fn at_a_short_code_what_nobody_else_answers_is_for_the_bot() {
        let to = |number: &str, text: &str| said("+15551234567", number, "", text);
        assert_eq!(to("12345", "HELP"), None);
        assert_eq!(to("12345", "start"), Some(Consent::Again));
        assert_eq!(to("12345", "end"), Some(Consent::Stop));
        assert_eq!(to("+15550001111", "info"), Some(Consent::Help));
    }

    #[test]
    fn what_twilio_took_it_for_counts_first() {
        let said = |kind: &str, text: &str| said("+15551234567", "12345", kind, text);
        assert_eq!(said("STOP", "arrêt"), Some(Consent::Stop));
        assert_eq!(said("START", "stop"), Some(Consent::Start));
        assert_eq!(said("HELP", "aide"), Some(Consent::Help));
    }
}
