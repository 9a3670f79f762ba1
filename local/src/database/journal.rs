//! When what was written is on the disk: no answer leaves the database before all that it tells of would survive a power
//! failure, and one wait for the disk does for all who wait meanwhile (a group commit).
//!
//! `SQLite` appends each transaction to its write-ahead log and can wait for the disk at each (`synchronous = FULL`),
//! during which nobody else writes. Here it does not wait (`NORMAL`, <https://www.sqlite.org/pragma.html#pragma_synchronous>);
//! who has its answer syncs the log's file, or waits for one who does. What has left the log by then went by a checkpoint,
//! which syncs both files itself.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Waits until what was written to the log before is on the disk.
type Sync = dyn Fn() -> io::Result<()> + Send + std::marker::Sync;

/// The write-ahead log of a database. A clone is the same.
#[derive(Clone)]
pub(super) struct Journal(Arc<Shared>);

struct Shared {
    sync: Box<Sync>,
    state: Mutex<State>,
    /// How many syncs there were, in their order: changed when one ends.
    finished: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// How many writes are under way: another connection may see what they wrote before they end.
    writing: usize,
    /// A write has ended since the last sync began.
    unsynced: bool,
    /// How many syncs began: one more than ended, while one is under way.
    begun: u64,
    /// Why the disk does not have what was written. The kernel may forget what it could not write, so that the next sync
    /// says that all is well: none is believed after the first that failed.
    failed: Option<String>,
}

impl Journal {
    /// The log beside the database in `file`, which has it while somebody has the database open.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn of(file: &Path) -> io::Result<Self> {
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        let log = File::options().write(true).open(PathBuf::from(log))?;
        Ok(Self::with(move || log.sync_data()))
    }

    /// A log that `sync` brings to the disk.
    pub(super) fn with(
        sync: impl Fn() -> io::Result<()> + Send + std::marker::Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            sync: Box::new(sync),
            state: Mutex::default(),
            finished: watch::Sender::new(0),
        }))
    }

    /// A write begins; it ends when this is dropped.
    pub(super) fn writing(&self) -> Writing {
        self.state().writing += 1;
        Writing(self.clone())
    }

    /// Waits until all is on the disk that a call could see which has just come to its end.
    ///
    /// # Errors
    /// When the disk failed, now or before.
    pub(super) async fn settled(&self) -> io::Result<()> {
        let mut finished = self.0.finished.subscribe();
        let needed = {
            let state = self.state();
            if state.writing > 0 || state.unsynced {
                state.begun + 1
            } else {
                state.begun
            }
        };
        loop {
            let done = *finished.borrow_and_update() >= needed;
            if let Some(why) = &self.state().failed {
                return Err(io::Error::other(why.clone()));
            }
            if done {
                return Ok(());
            }
            self.begin();
            // The sender lives as long as this does.
            let _ = finished.changed().await;
        }
    }

    /// Begins to sync, unless it is done already: for all, whoever stops waiting meanwhile.
    fn begin(&self) {
        {
            let mut state = self.state();
            if state.begun > *self.0.finished.borrow() {
                return;
            }
            state.unsynced = false;
            state.begun += 1;
        }
        let journal = self.clone();
        tokio::task::spawn_blocking(move || {
            let synced = (journal.0.sync)();
            if let Err(error) = synced {
                tracing::error!(%error, "the disk does not take what is written: start the bridge again");
                journal.state().failed = Some(error.to_string());
            }
            journal.0.finished.send_modify(|finished| *finished += 1);
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write that is under way.
pub(super) struct Writing(Journal);

impl Drop for Writing {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.writing -= 1;
        state.unsynced = true;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// A journal whose disk is as slow as the test wants: each sync waits for a word.
    fn slow() -> (Journal, mpsc::Sender<io::Result<()>>, Arc<AtomicU64>) {
        let (word, words) = mpsc::channel::<io::Result<()>>();
        let words = Mutex::new(words);
        let count = Arc::new(AtomicU64::new(0));
        let counted = count.clone();
        let journal = Journal::with(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let words = words.lock().unwrap_or_else(PoisonError::into_inner);
            words.recv().unwrap_or(Ok(()))
        });
        (journal, word, count)
    }

    fn write(journal: &Journal) {
        drop(journal.writing());
    }

    async fn waits(settled: &mut (impl Future + Unpin)) -> bool {
        let while_long = tokio::time::timeout(Duration::from_millis(50), settled);
        while_long.await.is_err()
    }

    #[tokio::test]
    async fn who_wrote_waits_for_a_sync_that_began_after_it() -> anyhow::Result<()> {
        let (journal, disk, count) = slow();
        write(&journal);
        let mut first = Box::pin(journal.settled());
        assert!(waits(&mut first).await);
        // This one's bytes came after the sync began, which may have missed them.
        write(&journal);
        let mut second = Box::pin(journal.settled());
        assert!(waits(&mut second).await);
        disk.send(Ok(()))?;
        first.await?;
        assert!(waits(&mut second).await);
        disk.send(Ok(()))?;
        second.await?;
        assert_eq!(count.load(Ordering::SeqCst), 2);
        Ok(())
    }

    #[tokio::test]
    async fn one_sync_does_for_all_who_wrote_while_another_was_under_way() -> anyhow::Result<()> {
        let (journal, disk, count) = slow();
        write(&journal);
        let mut first = Box::pin(journal.settled());
        assert!(waits(&mut first).await);
        let mut others = tokio::task::JoinSet::new();
        for _ in 0..20 {
            write(&journal);
            let journal = journal.clone();
            others.spawn(async move { journal.settled().await });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        disk.send(Ok(()))?;
        disk.send(Ok(()))?;
        first.await?;
        while let Some(settled) = others.join_next().await {
            settled??;
        }
        assert_eq!(count.load(Ordering::SeqCst), 2);
        Ok(())
    }

    #[tokio::test]
    async fn who_reads_waits_for_what_it_may_have_seen_and_for_nothing_else() -> anyhow::Result<()>
    {
        let (journal, disk, count) = slow();
        journal.settled().await?;
        assert_eq!(count.load(Ordering::SeqCst), 0, "nothing was written");
        // It may have been seen although its call has not ended.
        let writing = journal.writing();
        let mut reader = Box::pin(journal.settled());
        assert!(waits(&mut reader).await);
        disk.send(Ok(()))?;
        reader.await?;
        drop(writing);
        // Written, and on its way to the disk.
        let mut writer = Box::pin(journal.settled());
        assert!(waits(&mut writer).await);
        let mut reader = Box::pin(journal.settled());
        assert!(waits(&mut reader).await);
        disk.send(Ok(()))?;
        writer.await?;
        reader.await?;
        assert_eq!(count.load(Ordering::SeqCst), 2);
        Ok(())
    }

    #[tokio::test]
    async fn a_sync_goes_on_when_who_began_it_stops_waiting() -> anyhow::Result<()> {
        let (journal, disk, _) = slow();
        write(&journal);
        let mut first = Box::pin(journal.settled());
        assert!(waits(&mut first).await);
        let mut second = Box::pin(journal.settled());
        assert!(waits(&mut second).await);
        drop(first);
        disk.send(Ok(()))?;
        second.await?;
        Ok(())
    }

    #[tokio::test]
    async fn nothing_is_believed_after_a_disk_has_failed() -> anyhow::Result<()> {
        let (journal, disk, _) = slow();
        write(&journal);
        disk.send(Err(io::Error::other("no space")))?;
        let error = journal.settled().await.expect_err("it is not on the disk");
        assert_eq!(error.to_string(), "no space");
        disk.send(Ok(()))?;
        write(&journal);
        let error = journal.settled().await.expect_err("nor can this be known");
        assert_eq!(error.to_string(), "no space");
        Ok(())
    }
}
