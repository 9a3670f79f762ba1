//! Telling Haptik who a user is: once before the user's first message, and again when that changes.

use std::time::Duration;

use haptik_bridge_channels::channel::SendError;
use haptik_bridge_channels::erased::AnyOutlet;
use haptik_bridge_shared::haptik::client::{self, HaptikClient, HaptikError};
use haptik_bridge_shared::ids::{AuthId, ConnectionId};
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::{Inbound, Profile};
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::users::{ProfileLookup, User};
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Conversation, ToHaptik};
use crate::attempt::DeliveryOutcome;

/// After how many failed tries a user is registered without the channel's profile: a provider that does
/// not give a name must not keep a message back.
const TRIES_FOR_A_PROFILE: u32 = 2;

/// How long what a channel said of a user is believed, in milliseconds.
const ASKED_FOR: i64 = 24 * 60 * 60 * 1_000;

/// After which time it is asked again where it did not answer, in milliseconds.
const ASKED_AGAIN_AFTER: i64 = 60 * 60 * 1_000;

/// Why a profile that has changed is not told now.
const WAITS: &str = "it is told with the user's next message";

/// How long a known user's message waits for what the channel says of the user by now.
const ASKING_AGAIN_TIMEOUT: Duration = Duration::from_secs(2);

impl ToHaptik<'_> {
    /// Creates the user at Haptik, once, and updates it when the channel's own request says something
    /// new about the user, or the channel does, which is asked once a day. The lane has one writer at a time,
    /// so two quick first messages make one user.
    pub(super) async fn register(
        &self,
        conversation: &Conversation<'_>,
        user: &User,
        entry: &Entry,
        anew: bool,
    ) -> Result<(), Failure> {
        let claimed = conversation.inbound.profile.as_ref();
        let hash = hash_of(&claimed)?;
        let known = user.registered.as_ref().filter(|_| !anew);
        let is_told = known.is_some_and(|known| *known == hash || claimed.is_none());
        let asked = match known {
            None => self.asked_first(conversation, entry).await?,
            Some(_) => self.look_up_profile_again(conversation, user).await,
        };
        let (news, said) = match asked {
            Some(ProfileAnswer { news, said }) => (Some(news), said),
            None => (None, None),
        };
        let has_changed = said.is_some() && news.as_ref().is_some_and(|news| is_news(user, news));
        let profile = claimed.cloned().unwrap_or_default();
        let profile = profile.or(said.unwrap_or_default());
        self.keep_for_masks(user, &profile).await?;
        if !is_told || has_changed {
            let is_known = known.is_some();
            tell_user(conversation.haptik, &user.auth_id, &profile, is_known).await?;
        }
        let users = &self.bridge.users;
        if !is_told {
            users.put_registered(&user.auth_id, &hash).await?;
        }
        if let Some(news) = news {
            users.put_profile_lookup(&user.auth_id, &news).await?;
        }
        Ok(())
    }

    /// Keeps what is known of a user where a sink is not told all of that. What was known before, and is not said now,
    /// stays known.
    async fn keep_for_masks(&self, user: &User, profile: &Profile) -> Result<(), Failure> {
        let mut sinks = self.bridge.config.sinks.values();
        if sinks.all(|sink| sink.mask.is_empty()) {
            return Ok(());
        }
        let before = user.profile.as_deref().cloned().unwrap_or_default();
        let known = profile.clone().without_auth_code().or(before.clone());
        if known != before {
            let users = &self.bridge.users;
            users.put_profile(&user.auth_id, &known).await?;
        }
        Ok(())
    }

    /// What the channel says of a user whom Haptik does not know yet.
    async fn asked_first(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
    ) -> Result<Option<ProfileAnswer>, Failure> {
        let (outlet, inbound) = (conversation.outlet, conversation.inbound);
        if !outlet.knows_users() {
            return Ok(None);
        }
        match outlet.profile(&inbound.address, &inbound.user).await {
            Ok(said) => ProfileAnswer::new(conversation.connection_id, said).map(Some),
            Err(_) if entry.attempts >= TRIES_FOR_A_PROFILE => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What the channel says by now of a user whom Haptik knows, where it is time to ask. Nothing waits for it
    /// for long, and a failure is nobody's problem: it is asked again after a while.
    async fn look_up_profile_again(
        &self,
        conversation: &Conversation<'_>,
        user: &User,
    ) -> Option<ProfileAnswer> {
        let (outlet, inbound) = (conversation.outlet, conversation.inbound);
        let now = Timestamp::now().as_millisecond();
        let is_recent = |asked: &ProfileLookup| now - asked.at < ASKED_FOR;
        if !outlet.knows_users() || user.asked.as_ref().is_some_and(is_recent) {
            return None;
        }
        let asking = outlet.profile(&inbound.address, &inbound.user);
        let failed = match tokio::time::timeout(ASKING_AGAIN_TIMEOUT, asking).await {
            Ok(Ok(said)) => return ProfileAnswer::new(conversation.connection_id, said).ok(),
            Ok(Err(error)) => error.reason,
            Err(_) => "it took too long".to_owned(),
        };
        tracing::warn!(
            reason = failed,
            "whether a profile has changed is not known"
        );
        let hash = user.asked.as_ref().map(|asked| asked.hash.clone());
        Some(ProfileAnswer {
            news: ProfileLookup {
                at: now - ASKED_FOR + ASKED_AGAIN_AFTER,
                hash: hash.unwrap_or_default(),
            },
            said: None,
        })
    }

    /// Tells Haptik what the channel says by now of a user whose profile has changed. The user wrote nothing,
    /// so somebody whom Haptik does not know is not made known, and what fails does not hold up what the user
    /// writes: the next message asks again.
    pub(super) async fn deliver_profile(
        &self,
        haptik: &HaptikClient,
        connection_id: &ConnectionId,
        outlet: &dyn AnyOutlet,
        inbound: &Inbound,
    ) -> Result<DeliveryOutcome, Failure> {
        let user = self.bridge.users.get(&inbound.auth_id).await?;
        let Some(user) = user.filter(|user| user.registered.is_some()) else {
            return Ok(DeliveryOutcome::Nothing("Haptik does not know the user"));
        };
        let (outcome, news) = match outlet.profile(&inbound.address, &inbound.user).await {
            Ok(Some(said)) => {
                self.keep_for_masks(&user, &said).await?;
                let told = client::User::new(user.auth_id.clone(), &said);
                let ProfileAnswer { news, .. } = ProfileAnswer::new(connection_id, Some(said))?;
                if !is_news(&user, &news) {
                    (DeliveryOutcome::Nothing("Haptik knows that already"), news)
                } else if let Err(error) = haptik.update_user(&told).await {
                    let reason = error.to_string();
                    tracing::warn!(
                        reason,
                        "a profile that has changed waits for the next message"
                    );
                    (
                        DeliveryOutcome::Nothing(WAITS),
                        ProfileLookup { at: 0, ..news },
                    )
                } else {
                    (DeliveryOutcome::Whole, news)
                }
            }
            Ok(None) => {
                return Ok(DeliveryOutcome::Nothing(
                    "the channel does not say who the user is",
                ));
            }
            Err(SendError { reason, .. }) => {
                tracing::warn!(
                    reason,
                    "a profile that has changed waits for the next message"
                );
                let news = ProfileLookup {
                    at: 0,
                    hash: String::new(),
                };
                (DeliveryOutcome::Nothing(WAITS), news)
            }
        };
        // What was not told is news to the next message too.
        let hash = match news.at {
            0 => String::new(),
            _ => news.hash,
        };
        let news = ProfileLookup { hash, ..news };
        self.bridge
            .users
            .put_profile_lookup(&user.auth_id, &news)
            .await?;
        Ok(outcome)
    }
}

/// Tells Haptik of a user. An update that Haptik refuses may be of somebody whom it does not know any more, for
/// which no status is published: the user is created then, which updates one who is known. What Haptik refuses of
/// a profile keeps back nothing that the user says: it then has the `auth_id` alone.
async fn tell_user(
    haptik: &HaptikClient,
    auth_id: &AuthId,
    profile: &Profile,
    is_known: bool,
) -> Result<(), HaptikError> {
    let user = client::User::new(auth_id.clone(), profile);
    if is_known {
        match haptik.update_user(&user).await {
            Err(error) if error.is_refused() || error.is_of_unregistered() => {}
            told => return told,
        }
    }
    let bare = client::User::new(auth_id.clone(), &Profile::default());
    match haptik.create_user(&user).await {
        Err(error) if error.is_refused() && user != bare => {
            let reason = error.to_string();
            tracing::warn!(reason, "a user is made known without a profile");
            haptik.create_user(&bare).await
        }
        told => told,
    }
}

/// What a channel answered that was asked who a user is.
struct ProfileAnswer {
    /// What is noted of it.
    news: ProfileLookup,
    /// What it said; `None` where it does not say.
    said: Option<Profile>,
}

impl ProfileAnswer {
    fn new(connection: &ConnectionId, said: Option<Profile>) -> Result<Self, Failure> {
        let news = ProfileLookup {
            at: Timestamp::now().as_millisecond(),
            hash: hash_of(&(connection, &said))?,
        };
        Ok(Self { news, said })
    }
}

/// Whether a channel said something else before.
fn is_news(user: &User, news: &ProfileLookup) -> bool {
    user.asked
        .as_ref()
        .is_none_or(|before| before.hash != news.hash)
}

/// A hash of what is known about a user: short enough to keep, and without personal data.
fn hash_of(profile: &impl Serialize) -> Result<String, Failure> {
    let json =
        serde_json::to_vec(profile).map_err(|error| Failure::permanent(error.to_string()))?;
    Ok(hex::encode(Sha256::digest(json)))
}
