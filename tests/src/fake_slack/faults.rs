//! What goes wrong on request.

use std::time::Duration;

/// One way for a call to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429 with `Retry-After`, in seconds; nothing happens.
    RateLimited(u64),
    /// This HTTP status with a body that is not JSON; nothing happens.
    Status(u16),
    /// `{"ok":false,"error":…}` with HTTP 200; nothing happens.
    Error(String),
    /// The call is carried out after this long.
    Delay(Duration),
    /// The connection is closed without an answer; nothing happens.
    DropBefore,
    /// The call is carried out, and the connection closed without an answer.
    DropAfter,
    /// The call is carried out, and the answer is this HTTP status.
    StatusAfter(u16),
}

/// A fault that waits for the calls it is meant for.
#[derive(Clone, Debug)]
struct Rule {
    method: String,
    channel: Option<String>,
    remaining: usize,
    fault: Fault,
}

/// The faults to come, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
}

impl Faults {
    /// The next `times` calls of `method` (`*` is any), in one channel or all, fail.
    pub(crate) fn add(&mut self, method: &str, channel: Option<&str>, times: usize, fault: Fault) {
        self.rules.push(Rule {
            method: method.to_owned(),
            channel: channel.map(str::to_owned),
            remaining: times,
            fault,
        });
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// How many calls are still to fail.
    pub(crate) fn remaining(&self) -> usize {
        self.rules
            .iter()
            .fold(0, |sum, rule| sum.saturating_add(rule.remaining))
    }

    /// The fault of this call, used up by it.
    pub(crate) fn take(&mut self, method: &str, channel: Option<&str>) -> Option<Fault> {
        let index = self.rules.iter().position(|rule| {
            (rule.method == "*" || rule.method == method)
                && (rule.channel.is_none() || rule.channel.as_deref() == channel)
        })?;
        let rule = self.rules.get_mut(index)?;
        rule.remaining = rule.remaining.saturating_sub(1);
        let fault = rule.fault.clone();
        if rule.remaining == 0 {
            self.rules.remove(index);
        }
        Some(fault)
    }
}
