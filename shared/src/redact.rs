//! `Debug` of what carries people's words and names: which thing and how long, never what it says. Whatever
//! prints one of these (a log line, a panic, a failed test) prints nothing that was said.

use std::fmt;

/// Stands for a text: its length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub usize);

impl fmt::Debug for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} bytes", self.0)
    }
}

/// Implements `Debug` for a type that has personal data or secrets in it. Only the fields that are named are
/// shown, so that a new field is not until somebody decides it; a new variant of an enum does not compile. A
/// field may be shown in part: `bytes` shows the length of a text, and any method without arguments what it
/// returns. A type's parameter comes before its name: `redacted_debug!([T] Task { key })`.
///
/// ```
/// use haptik_bridge_shared::redacted_debug;
///
/// struct Letter {
///     id: u32,
///     text: String,
///     files: Vec<String>,
///     sender: String,
/// }
/// redacted_debug!(Letter { id, text: bytes, files: len });
///
/// let letter = Letter { id: 7, text: "Dear".into(), files: Vec::new(), sender: "Asha".into() };
/// assert_eq!(format!("{letter:?}"), "Letter { id: 7, text: 4 bytes, files: 0, .. }");
///
/// enum Event {
///     Read { at: u32, by: String },
///     Lost {},
/// }
/// redacted_debug!(enum Event { Read { at }, Lost {} });
///
/// let read = Event::Read { at: 1, by: "Asha".into() };
/// assert_eq!(format!("{read:?} {:?}", Event::Lost {}), "Read { at: 1, .. } Lost { .. }");
/// ```
#[macro_export]
macro_rules! redacted_debug {
    (enum $name:ident { $($variant:ident { $($field:ident $(: $how:ident)?),* $(,)? }),* $(,)? }) => {
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self {$(
                    Self::$variant { $($field,)* .. } => {
                        let mut shown = formatter.debug_struct(stringify!($variant));
                        $($crate::redacted_debug!(@ shown, $field, stringify!($field) $(, $how)?);)*
                        shown.finish_non_exhaustive()
                    }
                )*}
            }
        }
    };
    ($([$generic:ident])? $name:ident $(<$life:lifetime>)? { $($field:ident $(: $how:ident)?),* $(,)? }) => {
        impl $(<$generic>)? ::std::fmt::Debug for $name $(<$generic>)? $(<$life>)? {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let mut shown = formatter.debug_struct(stringify!($name));
                $($crate::redacted_debug!(@ shown, self.$field, stringify!($field) $(, $how)?);)*
                shown.finish_non_exhaustive()
            }
        }
    };
    (@ $shown:ident, $value:expr, $name:expr) => {
        $shown.field($name, &$value)
    };
    (@ $shown:ident, $value:expr, $name:expr, bytes) => {
        $shown.field($name, &$crate::redact::Bytes($value.len()))
    };
    (@ $shown:ident, $value:expr, $name:expr, $how:ident) => {
        $shown.field($name, &$value.$how())
    };
}

#[cfg(test)]
mod tests;
