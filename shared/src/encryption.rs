//! Secrets that are kept in the table: encrypted, and bound to the place that they were kept for.
//!
//! AES-256-GCM by `ring`, which rustls brings along anyway. An encrypted text says which version of this it
//! is, so that another algorithm can follow: `v1:` and the base64 of a random nonce of 12 bytes, the
//! ciphertext and its tag.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::Secrets;

/// How an encrypted text begins.
const VERSION: &str = "v1:";

/// The length of a key, in bytes.
pub const KEY_LENGTH: usize = 32;

/// Encrypts with the newest of some keys, and decrypts with any.
pub struct Cipher {
    /// Newest first; never empty.
    keys: Vec<LessSafeKey>,
}

/// A key is not the base64 of [`KEY_LENGTH`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an encryption key is not the base64 of 32 bytes")]
pub struct InvalidKey;

/// There is no randomness to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoRandomness;

/// A text that was encrypted.
#[derive(Debug)]
pub struct Decrypted {
    /// The text.
    pub secret: SecretString,
    /// Whether the newest key opened it: another may be taken out of the configuration one day, so what
    /// it encrypted is to be encrypted again with the newest.
    pub by_newest: bool,
}

impl Cipher {
    /// A cipher with these keys, newest first, each the base64 of [`KEY_LENGTH`] bytes.
    ///
    /// # Errors
    /// When one of them is not.
    pub fn new(keys: &Secrets) -> Result<Self, InvalidKey> {
        let key = |text: &SecretString| {
            let bytes = key_bytes(text.expose_secret()).ok_or(InvalidKey)?;
            let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| InvalidKey)?;
            Ok(LessSafeKey::new(key))
        };
        let keys = keys.iter().map(key).collect::<Result<_, _>>()?;
        Ok(Self { keys })
    }

    /// Encrypts a text for the place that `bound_to` names: it opens there only.
    ///
    /// # Errors
    /// When there is no randomness for a nonce.
    pub fn encrypt(
        &self,
        secret: &SecretString,
        bound_to: &[&str],
    ) -> Result<String, NoRandomness> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut encrypted = secret.expose_secret().as_bytes().to_vec();
        let key = self.keys.first().ok_or(NoRandomness)?;
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated(bound_to)),
            &mut encrypted,
        )
        .map_err(|_| NoRandomness)?;
        let mut whole = nonce.to_vec();
        whole.append(&mut encrypted);
        Ok(format!("{VERSION}{}", STANDARD.encode(whole)))
    }

    /// Decrypts what was encrypted for this place; `None` when no key does, be it that it was tampered with,
    /// was encrypted for another place or by a key that is no longer here.
    #[must_use]
    pub fn decrypt(&self, encrypted: &str, bound_to: &[&str]) -> Option<Decrypted> {
        let whole = STANDARD.decode(encrypted.strip_prefix(VERSION)?).ok()?;
        let (nonce, ciphertext) = whole.split_first_chunk::<NONCE_LEN>()?;
        self.keys.iter().enumerate().find_map(|(index, key)| {
            let mut bytes = ciphertext.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let text = key
                .open_in_place(nonce, Aad::from(associated(bound_to)), &mut bytes)
                .ok()?;
            let secret = std::str::from_utf8(text).ok()?.into();
            Some(Decrypted {
                secret,
                by_newest: index == 0,
            })
        })
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Cipher([{} REDACTED])", self.keys.len())
    }
}

/// Bytes that nobody can guess.
///
/// # Errors
/// When the system has none.
pub fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], NoRandomness> {
    let mut bytes = [0; LENGTH];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| NoRandomness)?;
    Ok(bytes)
}

/// The bytes of a key in base64, with or without padding; `None` when they are not [`KEY_LENGTH`].
#[must_use]
pub fn key_bytes(text: &str) -> Option<[u8; KEY_LENGTH]> {
    let bytes = STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    bytes.try_into().ok()
}

/// The parts, each preceded by its length, so that no two lists run together.
fn associated(parts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(all: &[u8]) -> Cipher {
        let encoded = all
            .iter()
            .map(|byte| STANDARD.encode([*byte; KEY_LENGTH]).into());
        let secrets = Secrets::from_newest_first(encoded).expect("there is one");
        Cipher::new(&secrets).expect("good keys")
    }

    const PLACE: &[&str] = &["acme", "T1"];

    fn encrypted(cipher: &Cipher) -> String {
        cipher.encrypt(&"xoxb-1".into(), PLACE).expect("randomness")
    }

    #[test]
    fn what_was_encrypted_is_decrypted_and_cannot_be_read_without_a_key() {
        let cipher = keys(&[1]);
        let (one, other) = (encrypted(&cipher), encrypted(&cipher));
        assert_ne!(one, other, "each has a nonce of its own");
        assert!(one.starts_with("v1:") && !one.contains("xoxb"));
        let opened = cipher.decrypt(&one, PLACE).expect("it opens");
        assert_eq!(opened.secret.expose_secret(), "xoxb-1");
        assert!(opened.by_newest);
        assert!(!format!("{cipher:?} {opened:?}").contains("xoxb"));
    }

    #[test]
    fn a_new_key_in_front_decrypts_with_the_old_one_until_that_is_gone() {
        let old = encrypted(&keys(&[1]));
        let opened = keys(&[2, 1]).decrypt(&old, PLACE).expect("it opens");
        assert!(!opened.by_newest, "it is to be encrypted again");
        assert!(keys(&[2]).decrypt(&old, PLACE).is_none());
        let new = encrypted(&keys(&[2, 1]));
        assert!(
            keys(&[2]).decrypt(&new, PLACE).is_some(),
            "the newest key encrypts"
        );
    }

    #[test]
    fn it_opens_in_its_own_place_only() {
        let cipher = keys(&[1]);
        let closed = encrypted(&cipher);
        for place in [
            &["acme", "T2"][..],
            &["other", "T1"],
            &["acmeT", "1"],
            &["acme"],
            &[],
        ] {
            assert!(cipher.decrypt(&closed, place).is_none(), "{place:?}");
        }
    }

    #[test]
    fn what_was_not_encrypted_is_not_decrypted() {
        let cipher = keys(&[1]);
        let bare = encrypted(&cipher).replace("v1:", "");
        for text in ["", "v1:", "v1:AAAA", "v1:é", "xoxb-1", &bare] {
            assert!(cipher.decrypt(text, PLACE).is_none(), "{text}");
        }
    }

    #[test]
    fn a_key_is_the_base64_of_32_bytes() {
        for (length, good) in [(31, false), (32, true), (33, false), (0, false)] {
            let text = STANDARD.encode(vec![7; length]);
            assert_eq!(key_bytes(&text).is_some(), good, "{length}");
            assert_eq!(key_bytes(text.trim_end_matches('=')).is_some(), good);
        }
        let bad = Secrets::new("not a key", []);
        assert_eq!(Cipher::new(&bad).err(), Some(InvalidKey));
    }

    proptest! {
        #[test]
        fn any_flipped_bit_keeps_it_shut(at in 0..34_usize, bit in 0..8_u32) {
            let cipher = keys(&[1]);
            let closed = encrypted(&cipher);
            let mut bytes = STANDARD.decode(&closed[3..]).expect("base64");
            prop_assert_eq!(bytes.len(), 34, "12 of the nonce, 6 of the text, 16 of the tag");
            bytes[at] ^= 1 << bit;
            let tampered = format!("v1:{}", STANDARD.encode(bytes));
            prop_assert!(cipher.decrypt(&tampered, PLACE).is_none());
        }

        #[test]
        fn any_text_comes_back(text in "\\PC*") {
            let cipher = keys(&[1]);
            let closed = cipher.encrypt(&text.as_str().into(), PLACE).expect("randomness");
            let opened = cipher.decrypt(&closed, PLACE).expect("it opens");
            prop_assert_eq!(opened.secret.expose_secret(), text);
        }
    }
}
