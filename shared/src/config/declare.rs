//! A table of the configuration, declared once: [`section!`](crate::section) makes of it the struct, its
//! reader, its `Debug` and the description of its keys.

use super::error::Reported;
use super::key_doc::KeyDoc;
use super::section::Section;

/// Some keys of a table that belong together: a whole table, or a part that several tables share.
pub trait Part: Sized {
    /// Reads them. Every key is read before one is given up on, so that everything is reported at once.
    ///
    /// # Errors
    /// When something about them was reported.
    fn read(section: &Section<'_>) -> Result<Self, Reported>;

    /// What there is to say of each, in the order in which they are read.
    fn keys() -> Vec<KeyDoc>;
}

impl<T: Part> Part for Box<T> {
    fn read(section: &Section<'_>) -> Result<Self, Reported> {
        T::read(section).map(Box::new)
    }

    fn keys() -> Vec<KeyDoc> {
        T::keys()
    }
}

/// Declares some keys of a table, and makes a struct of them that is a [`Part`]:
///
/// ```
/// use haptik_bridge_shared::config::kind::{BaseUrl, Flag, FullUrl, SecretList};
/// use haptik_bridge_shared::config::{Part as _, Secrets};
/// use haptik_bridge_shared::section;
/// use url::Url;
///
/// section! {
///     /// `type = "acme"`: a messenger of Acme's.
///     pub struct Acme {
///         /// Its API token.
///         tokens as "token": Secrets = required(SecretList::TOKENS),
///         /// Where its API is.
///         api_base_url: Url = default(BaseUrl, "https://api.acme.example"),
///         /// Where pictures are made smaller.
///         thumbnails: Option<Url> = optional(FullUrl),
///         /// Whether it is quiet.
///         quiet: bool = default(Flag, false),
///     }
/// }
///
/// assert_eq!(Acme::keys()[0].key, "token");
/// ```
///
/// The documentation of a field is what `docs/configuration.md` says of its key. A field is named as its key
/// unless there is `as "key"`. After the type stands what holds when the key is left out, with the
/// [`ValueType`](super::kind::ValueType) of its value:
///
/// - `required(kind)`, or `required(kind, "where it is")`: that is an error.
/// - `optional(kind)`, or `optional(kind, "what holds then")`: the field is `None`.
/// - `default(kind, value)`: a value as it would be in the file, whose kind reads it. For documentation,
///   words can follow it.
/// - `or(kind, value, "words")`: a `Result` in Rust, which can name the fields before it, Results themselves.
/// - `part()`: the type of the field is a [`Part`] itself.
///
/// After the struct can follow `rule function(field, …);`: the function gets the section and a reference to the
/// `Result` of each of the fields, and says with a `Result<(), Reported>` whether they go together.
#[macro_export]
macro_rules! section {
    (@key $field:ident) => {
        stringify!($field)
    };
    (@key $field:ident $key:literal) => {
        $key
    };

    (@read $section:ident $key:expr, $type:ty, required($kind:expr $(, $words:literal)?)) => {
        $section.required($key, &$kind)
    };
    (@read $section:ident $key:expr, $type:ty, optional($kind:expr $(, $words:literal)?)) => {
        $section.optional($key, &$kind)
    };
    (@read $section:ident $key:expr, $type:ty, default($kind:expr, $value:expr $(, $words:literal)?)) => {
        $section.or_default($key, &$kind, stringify!($value))
    };
    (@read $section:ident $key:expr, $type:ty, or($kind:expr, $value:expr, $words:literal)) => {
        $section.or_else($key, &$kind, || $value)
    };
    (@read $section:ident $key:expr, $type:ty, part()) => {
        <$type as $crate::config::Part>::read($section)
    };

    (@document $keys:ident $key:expr, $about:expr, $type:ty, required($kind:expr)) => {
        $crate::section!(@push $keys $key, $about, $kind, Required);
    };
    (@document $keys:ident $key:expr, $about:expr, $type:ty, required($kind:expr, $words:literal)) => {
        $crate::section!(@push $keys $key, $about, $kind, Words($words));
    };
    (@document $keys:ident $key:expr, $about:expr, $type:ty, optional($kind:expr)) => {
        $crate::section!(@push $keys $key, $about, $kind, Words("none"));
    };
    (@document $keys:ident $key:expr, $about:expr, $type:ty, optional($kind:expr, $words:literal)) => {
        $crate::section!(@push $keys $key, $about, $kind, Words($words));
    };
    (@document $keys:ident $key:expr, $about:expr, $type:ty, default($kind:expr, $value:expr)) => {
        $crate::section!(@push $keys $key, $about, $kind, Value(stringify!($value)));
    };
    (@document $keys:ident $key:expr, $about:expr, $type:ty, default($kind:expr, $value:expr, $words:literal)) => {
        $crate::section!(@push $keys $key, $about, $kind, ValueInWords(stringify!($value), $words));
    };
    (@document $keys:ident $key:expr, $about:expr, $type:ty, or($kind:expr, $value:expr, $words:literal)) => {
        $crate::section!(@push $keys $key, $about, $kind, Words($words));
    };
    (@document $keys:ident $key:expr, $about:expr, $type:ty, part()) => {
        $keys.extend(<$type as $crate::config::Part>::keys());
    };
    (@push $keys:ident $key:expr, $about:expr, $kind:expr, $variant:ident $(($($value:expr),+))?) => {
        let otherwise = $crate::config::WhenMissing::$variant $(($($value),+))?;
        $keys.push($crate::config::KeyDoc::new($key, $about, &$kind, otherwise));
    };

    (@show $shown:ident $field:ident $value:expr, part()) => {
        $shown.field(stringify!($field), &$value);
    };
    (@show $shown:ident $field:ident $value:expr, optional($kind:expr $(, $words:literal)?)) => {
        let kind = &$kind;
        let value = $value.as_ref().map(|value| $crate::config::Shown(kind, value));
        $shown.field(stringify!($field), &value);
    };
    (@show $shown:ident $field:ident $value:expr, $how:ident($kind:expr $(, $($rest:tt)*)?)) => {
        $shown.field(stringify!($field), &$crate::config::Shown(&$kind, &$value));
    };

    (
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident $(as $key:literal)?: $type:ty = $how:ident $arguments:tt
            ),* $(,)?
        }
        $(rule $rule:ident($($ruled:ident),+);)*
    ) => {
        $(#[$meta])*
        #[derive(Clone)]
        $visibility struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)*
        }

        impl $crate::config::Part for $name {
            fn read(
                section: &$crate::config::Section<'_>,
            ) -> ::std::result::Result<Self, $crate::config::Reported> {
                $(let $field = $crate::section!(
                    @read section $crate::section!(@key $field $($key)?), $type, $how $arguments
                );)*
                let rules: &[::std::result::Result<(), $crate::config::Reported>] =
                    &[$($rule(section, $(&$ruled),+)),*];
                rules.iter().copied().collect::<::std::result::Result<(), _>>()?;
                Ok(Self { $($field: $field?,)* })
            }

            fn keys() -> ::std::vec::Vec<$crate::config::KeyDoc> {
                let mut keys = ::std::vec::Vec::new();
                $($crate::section!(
                    @document keys $crate::section!(@key $field $($key)?), &[$($doc),+], $type, $how $arguments
                );)*
                keys
            }
        }

        impl ::std::fmt::Debug for $name {
            /// Leaves out what is secret.
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let mut shown = formatter.debug_struct(stringify!($name));
                $($crate::section!(@show shown $field self.$field, $how $arguments);)*
                shown.finish()
            }
        }
    };
}
