//! What goes wrong on request.

use std::time::Duration;

/// One way for a call to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The vendor's answer to too many requests, which may be made again after so many seconds;
    /// nothing happens.
    TooMany(u64),
    /// This HTTP status with a body that is not JSON; nothing happens.
    Status(u16),
    /// The call is carried out after this long.
    Delay(Duration),
    /// The connection is closed without an answer; nothing happens.
    DropBefore,
    /// The call is carried out, and the connection closed without an answer.
    DropAfter,
    /// The call is carried out, and the answer is this HTTP status.
    StatusAfter(u16),
    /// The call is carried out, and answered after this long.
    DelayAfter(Duration),
}

/// A fault that waits for the calls that it is meant for.
#[derive(Clone, Debug)]
struct Rule {
    method: String,
    path: String,
    remaining: usize,
    fault: Fault,
}

/// The faults to come, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
}

impl Faults {
    pub(crate) fn add(&mut self, method: &str, path: &str, times: usize, fault: Fault) {
        self.rules.push(Rule {
            method: method.to_owned(),
            path: path.to_owned(),
            remaining: times,
            fault,
        });
    }

    /// The fault of this call, used up by it.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        let meant = |rule: &Rule| {
            rule.remaining > 0
                && (rule.method == "*" || rule.method == method)
                && path.contains(&rule.path)
        };
        let rule = self.rules.iter_mut().find(|rule| meant(rule))?;
        rule.remaining -= 1;
        Some(rule.fault.clone())
    }
}
