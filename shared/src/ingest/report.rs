//! Delivery reports: what a provider says later of a message that it had taken closes the receipt of that message.

use jiff::{SignedDuration, Timestamp};

use super::{NotDurable, ReceiptUser, RequestContext};
use crate::bridge::Bridge;
use crate::ids::{AuthId, ConnectionId};
use crate::lane::Lane;
use crate::ledger::{Entry, Open, Place, Reported};
use crate::message::receipt::{OpenReceipt, ReceiptOutcome};
use crate::table::TableError;

/// How often closing a receipt is tried while others write the same.
const TRIES: usize = 5;

impl Bridge {
    /// Takes what a provider says later of one of its messages: who asked for receipts hears it, once. Nothing is
    /// written where nobody did.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub async fn accept_report(
        &self,
        context: RequestContext<'_>,
        connection: &ConnectionId,
        message_id: &str,
        reported: &Reported,
    ) -> Result<(), NotDurable> {
        if self.sinks_for_receipts().next().is_none() {
            return Ok(());
        }
        let noted = self
            .ledger
            .note_report(connection, message_id, reported, context.now)
            .await?;
        let Some(place) = noted.owner else {
            // It came before the answer to the call that sent it. Who records that finds it.
            return Ok(());
        };
        let is_open = self.close_receipt(context, &place, false).await?;
        if noted.is_repeated && !is_open {
            self.ring_for_receipts_of(&place.0, context.now).await?;
        }
        Ok(())
    }

    /// Ends an entry as delivered whose receipt waits for what the channel says later, and closes the receipt where
    /// that was said already.
    ///
    /// # Errors
    /// When DynamoDB or the queue does not take it: to be done again by [`Bridge::close_receipts_of`].
    pub async fn delivered_until_reported(
        &self,
        entry: &Entry,
        receipt: &OpenReceipt,
        now: Timestamp,
    ) -> Result<(), NotDurable> {
        let wait = SignedDuration::try_from(self.config.delivery.report_within);
        let due = now.checked_add(wait.unwrap_or(SignedDuration::MAX));
        let due = due.unwrap_or(Timestamp::MAX);
        let ledger = &self.ledger;
        ledger
            .delivered_until_reported(entry, receipt, due, now)
            .await?;
        let place = (entry.lane.clone(), entry.key.clone());
        let context = RequestContext::new("processor", now);
        self.close_receipt(context, &place, false).await?;
        Ok(())
    }

    /// Closes the receipts of a lane's last messages that can be closed, and rings for those that were: a process
    /// that was stopped may not have come to that.
    ///
    /// # Errors
    /// When DynamoDB or the queue does not take it.
    pub async fn close_receipts_of(&self, lane: &Lane, now: Timestamp) -> Result<(), NotDurable> {
        let context = RequestContext::new("processor", now);
        for key in self.ledger.newest_open_receipts(lane).await? {
            let place = (lane.clone(), key);
            self.close_receipt(context, &place, false).await?;
        }
        Ok(())
    }

    /// Closes the receipt of an entry, where what was reported suffices for that, or it has waited long enough
    /// (`is_overdue`). Whether it was open.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub async fn close_receipt(
        &self,
        context: RequestContext<'_>,
        place: &Place,
        is_overdue: bool,
    ) -> Result<bool, NotDurable> {
        for _ in 0..TRIES {
            let Some(open) = self.ledger.open_receipt(place).await? else {
                return Ok(false);
            };
            let Some(closed) = self.closed(&open, is_overdue, context.now).await? else {
                return Ok(true);
            };
            let (OpenReceipt { receipt, .. }, Some(auth_id)) = (&closed, place.0.user()) else {
                return Ok(true);
            };
            let follows = self.receipts_for_sinks(user(auth_id, &closed), receipt);
            let failed = receipt.reason.as_deref();
            let failed = failed.filter(|_| receipt.outcome == ReceiptOutcome::Failed);
            let ledger = &self.ledger;
            let written = ledger.close_receipt(place, &open, failed, &follows, context.now);
            if written.await? {
                self.ring_for_new(context, &follows).await?;
                return Ok(true);
            }
        }
        Err(NotDurable::Busy)
    }

    /// A receipt as it is now that so much was reported; `None` where that does not suffice.
    async fn closed(
        &self,
        open: &Open,
        is_overdue: bool,
        now: Timestamp,
    ) -> Result<Option<OpenReceipt>, TableError> {
        let OpenReceipt {
            receipt,
            connection,
            ..
        } = &open.receipt;
        let (mut failed, mut is_confirmed) = (None, true);
        for id in &receipt.sent_as {
            match self.ledger.reported(connection, id).await? {
                Some(Reported::Delivered) => {}
                Some(Reported::Failed(reason)) => failed = failed.or(Some(reason)),
                None => is_confirmed = false,
            }
        }
        if failed.is_none() && !is_confirmed && !is_overdue {
            return Ok(None);
        }
        let mut closed = open.receipt.clone();
        closed.receipt.ended_at = now.as_millisecond();
        closed.receipt.confirmed = Some(is_confirmed || failed.is_some());
        if let Some(reason) = failed {
            closed.receipt.outcome = ReceiptOutcome::Failed;
            closed.receipt.reason = Some(reason);
        }
        Ok(Some(closed))
    }

    /// Rings for receipts of a user's that wait for sinks: whoever wrote them may have been stopped before that.
    async fn ring_for_receipts_of(&self, lane: &Lane, now: Timestamp) -> Result<(), NotDurable> {
        let Some(auth_id) = lane.user() else {
            return Ok(());
        };
        for sink in self.sinks_for_receipts() {
            let lane = Lane::Sink {
                sink: sink.to_owned(),
                auth_id: auth_id.clone(),
            };
            let (pending, _) = self.ledger.pending(&lane).await?;
            if !pending.is_empty() {
                self.ring_again(lane, now).await?;
            }
        }
        Ok(())
    }
}

/// Of whose message a receipt is.
fn user<'a>(auth_id: &'a AuthId, open: &'a OpenReceipt) -> ReceiptUser<'a> {
    ReceiptUser {
        auth_id,
        user_name: open.user_name.as_deref(),
        connection: &open.connection,
        channel_user: &open.channel_user,
    }
}
