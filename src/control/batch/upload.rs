//! The uploaded copy of a local input: every line in the batch form, every record with a name.
//!
//! Its key holds the digest of the input, so that the same file is not uploaded twice. Large files go in parts, several
//! at once, in bounded memory. A part that fails is sent again; an upload that cannot go on is given up whole, so that
//! no parts are left that cost money: at once, or, if the process was killed, with the next order.

use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::bedrock::{Address, Part, Receipt};
use crate::record::{Failure, Region};
use crate::workload::BatchJudge;

use super::super::command::{BatchInput, NewBatch};
use super::super::desk::{Desk, Progress};
use super::super::work::Stage;
use super::check::{Checked, TELL_EVERY, choice};
use super::copy::{Cutter, Piece, stem, write_copy};
use super::source::{Stop, local, pass, pause};
use super::trouble::{Trouble, may_pass};
use super::uploads::Upload;

/// Bytes of a part; S3 takes 5 MiB to 5 GiB.
const PART: usize = 8 << 20;
/// S3 takes 10,000 parts.
const MOST_PARTS: u64 = 9_000;
/// Parts on their way at once.
const AT_ONCE: usize = 3;
/// Attempts to send a part, beside the SDK's own.
const ATTEMPTS: u32 = 8;

impl Desk {
    /// Where the copy of the input with this digest goes, under `storage`.
    pub(super) fn copy_prefix(storage: &Address, digest: &str) -> Address {
        storage.join(&format!("bedrock-top/{}/", digest.get(..32).unwrap_or(digest)))
    }

    /// Uploads the copy of a checked input, unless it is there already. The input of the job: `s3://...`.
    ///
    /// # Errors
    /// Something that does not pass. Nothing is left in S3 then but whole files.
    pub(super) async fn upload(
        &self,
        new: &NewBatch,
        checked: &Checked,
        progress: Progress<'_>,
    ) -> Result<String, Trouble> {
        let BatchInput::Local(path) = &new.input else {
            let BatchInput::S3(at) = &new.input else { return Err(Trouble::unusable("no input")) };
            return Ok(at.clone());
        };
        let storage = Address::parse(&new.storage).map_err(Trouble::unusable)?;
        let prefix = Desk::copy_prefix(&storage, &checked.digest);
        self.give_up_abandoned().await;
        // Whoever may not list uploads once more.
        if let Ok(there) = self.clients.objects(&new.region, &prefix).await
            && !there.is_empty()
            && there.iter().map(|object| object.bytes).sum::<u64>() == checked.copy_bytes
        {
            return Ok(match there.as_slice() {
                [one] => one.address.to_string(),
                _ => prefix.to_string(),
            });
        }
        let most_bytes = checked.limits.file_bytes.unwrap_or(u64::MAX).max(1);
        let most_records = checked.limits.records_per_file.unwrap_or(u64::MAX).max(1);
        let one_file = checked.copy_bytes <= most_bytes && checked.report.records <= most_records;
        let part = PART.max(usize::try_from(checked.copy_bytes.min(most_bytes) / MOST_PARTS).unwrap_or(PART));
        let (give, mut pieces) = mpsc::channel(1);
        let cutter = Cutter::new(give, part, most_bytes, most_records);
        let source = local(path)?;
        let judge = BatchJudge::new(&new.model, choice(Some(checked.invocation)));
        let digest = checked.digest.clone();
        let stop = Stop::default();
        let writing = {
            let inner = stop.clone();
            tokio::spawn(pass(stop, move || write_copy(source, &judge, &digest, &inner, cutter)))
        };
        let stem = stem(path);
        let mut sending = Sending { done: 0, total: checked.copy_bytes, last: Instant::now(), progress };
        let sent = async {
            let mut files = Vec::new();
            loop {
                let name =
                    if one_file { format!("{stem}.jsonl") } else { format!("{stem}-{:05}.jsonl", files.len() + 1) };
                let at = prefix.with_key(format!("{}{name}", prefix.key));
                match self.send_file(&new.region, &at, &mut pieces, &mut sending).await? {
                    Some(()) => files.push(at),
                    None => return Ok::<_, Trouble>(files),
                }
            }
        }
        .await;
        // Whoever writes ends once nobody takes the pieces, and knows best why there are no more.
        drop(pieces);
        let written = writing.await.unwrap_or_else(|_| Err(Trouble::passing("the upload has ended early")));
        let files = match (sent, written) {
            (Err(trouble), _) | (Ok(_), Err(trouble)) => return Err(trouble),
            (Ok(files), Ok(())) => files,
        };
        Ok(match files.as_slice() {
            [one] => one.to_string(),
            _ => prefix.to_string(),
        })
    }

    /// Sends one file of the copy; `None`: there was no further one.
    async fn send_file(
        &self,
        region: &Region,
        at: &Address,
        pieces: &mut mpsc::Receiver<Piece>,
        sending: &mut Sending<'_>,
    ) -> Result<Option<()>, Trouble> {
        let first = match self.next_piece(pieces).await? {
            None => return Ok(None),
            Some(Piece::EndOfFile) => Bytes::new(),
            Some(Piece::Bytes(bytes)) => bytes,
        };
        let second = if first.is_empty() { None } else { self.next_piece(pieces).await? };
        let second = match second {
            Some(Piece::Bytes(bytes)) => bytes,
            Some(Piece::EndOfFile) => {
                let put = self.persist(sending, || self.clients.put_object(region, at, first.clone())).await;
                self.note(region, "PutObject", &at.to_string(), &put);
                self.settled(put.answer)?;
                sending.add(first.len() as u64);
                return Ok(Some(()));
            }
            // The writer ended without an end of the file: it says why.
            None => return Ok(None),
        };
        let begun = self.persist(sending, || self.clients.begin_upload(region, at)).await;
        self.note(region, "CreateMultipartUpload", &at.to_string(), &begun);
        let id = self.settled(begun.answer)?;
        let upload = Upload {
            region: region.clone(),
            address: at.clone(),
            id,
            account: self.account(),
            simulated: self.clients.simulated(),
        };
        let held = self.uploads().hold(&upload);
        let sent = match &held {
            Ok(_) => self.send_parts(&upload, [first, second], pieces, sending).await,
            Err(error) => Err(Trouble::passing(format!("the state folder cannot be written: {error}"))),
        };
        match sent {
            Ok(Some(parts)) => {
                let complete = || self.clients.complete_upload(region, at, &upload.id, parts.clone());
                let complete = self.persist(sending, complete).await;
                self.note(region, "CompleteMultipartUpload", &at.to_string(), &complete);
                match self.settled(complete.answer) {
                    Ok(_) => {
                        if let Ok(held) = held {
                            held.over();
                        }
                        Ok(Some(()))
                    }
                    Err(trouble) => Err(self.give_up(&upload, held.ok(), trouble).await),
                }
            }
            Ok(None) => {
                let why = Trouble::passing("the copy was not written to its end");
                // The writer's own reason takes the place of this one.
                self.give_up(&upload, held.ok(), why).await;
                Ok(None)
            }
            Err(trouble) => Err(self.give_up(&upload, held.ok(), trouble).await),
        }
    }

    /// Sends parts until the end of the file; `None`: there was none.
    async fn send_parts(
        &self,
        upload: &Upload,
        first: [Bytes; 2],
        pieces: &mut mpsc::Receiver<Piece>,
        sending: &mut Sending<'_>,
    ) -> Result<Option<Vec<Part>>, Trouble> {
        let mut ready: Vec<Bytes> = first.into_iter().rev().collect();
        let mut flying: JoinSet<(i32, u64, Result<Part, Failure>)> = JoinSet::new();
        let mut parts: Vec<Part> = Vec::new();
        let mut number = 0;
        let mut ended = false;
        loop {
            while flying.len() < AT_ONCE
                && let Some(bytes) = ready.pop()
            {
                number += 1;
                let (clients, upload, number) = (std::sync::Arc::clone(&self.clients), upload.clone(), number);
                flying.spawn(async move {
                    let length = bytes.len() as u64;
                    let mut attempt = 0;
                    loop {
                        attempt += 1;
                        let Upload { region, address, id, .. } = &upload;
                        match clients.upload_part(region, address, id, number, bytes.clone()).await {
                            Err(failure) if may_pass(&failure) && attempt < ATTEMPTS => {
                                tokio::time::sleep(pause(attempt)).await;
                            }
                            result => return (number, length, result),
                        }
                    }
                });
            }
            if ended && flying.is_empty() && ready.is_empty() {
                parts.sort_by_key(|part| part.number);
                return Ok(Some(parts));
            }
            tokio::select! {
                Some(sent) = flying.join_next() => {
                    let (_, length, part) =
                        sent.map_err(|_| Trouble::passing("a thread of the program has ended early"))?;
                    parts.push(self.settled(part)?);
                    sending.add(length);
                }
                piece = pieces.recv(), if !ended && ready.is_empty() => match piece {
                    Some(Piece::Bytes(bytes)) => ready.push(bytes),
                    Some(Piece::EndOfFile) => ended = true,
                    None => return Ok(None),
                },
                () = self.interrupted() => return Err(Trouble::interrupted("the upload")),
            }
        }
    }

    async fn next_piece(&self, pieces: &mut mpsc::Receiver<Piece>) -> Result<Option<Piece>, Trouble> {
        tokio::select! {
            piece = pieces.recv() => Ok(piece),
            () = self.interrupted() => Err(Trouble::interrupted("the upload")),
        }
    }

    /// Asks again what may pass, and says that it does.
    async fn persist<T, F>(&self, sending: &Sending<'_>, ask: impl Fn() -> F) -> Receipt<T>
    where
        F: Future<Output = Receipt<T>>,
    {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let receipt = ask().await;
            match &receipt.answer {
                Err(failure) if may_pass(failure) && attempt < ATTEMPTS => {
                    sending.say(&format!("uploading ({failure}; trying again)"));
                    tokio::select! {
                        () = tokio::time::sleep(pause(attempt)) => {}
                        () = self.interrupted() => return receipt,
                    }
                }
                _ => return receipt,
            }
        }
    }

    fn settled<T>(&self, result: Result<T, Failure>) -> Result<T, Trouble> {
        result.map_err(|failure| {
            Trouble::from(failure).keeping("nothing was created; the same command goes on where this one ended")
        })
    }

    /// Gives an upload up; what could not be taken back stays noted for the next order.
    async fn give_up(&self, upload: &Upload, held: Option<super::uploads::Held>, trouble: Trouble) -> Trouble {
        match self.abort(upload).await {
            Ok(()) => {
                if let Some(held) = held {
                    held.over();
                }
                trouble
            }
            Err(failure) => {
                let kept = format!(
                    "parts of {} are still in S3 and cost money; the next `batch` command takes them back ({failure})",
                    upload.address
                );
                trouble.keeping(kept)
            }
        }
    }

    async fn abort(&self, upload: &Upload) -> Result<(), Failure> {
        let Upload { region, address, id, .. } = upload;
        let receipt = self.clients.abort_upload(region, address, id).await;
        self.note(region, "AbortMultipartUpload", &address.to_string(), &receipt);
        receipt.answer
    }

    /// Gives up what killed processes left half uploaded.
    pub async fn give_up_abandoned(&self) {
        let account = self.account();
        for (upload, held) in self.uploads().abandoned() {
            if upload.simulated != self.clients.simulated() || upload.account != account {
                continue;
            }
            match self.abort(&upload).await {
                Ok(()) => held.over(),
                // It is not there any more.
                Err(failure) if failure.status == Some(404) => held.over(),
                Err(_) => {}
            }
        }
    }
}

/// How far an upload is.
struct Sending<'a> {
    done: u64,
    total: u64,
    last: Instant,
    progress: Progress<'a>,
}

impl Sending<'_> {
    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        if self.last.elapsed() >= TELL_EVERY || self.done >= self.total {
            self.last = Instant::now();
            self.say("uploading");
        }
    }

    fn say(&self, doing: &str) {
        (self.progress)(Stage::Busy { doing: doing.to_owned(), done: self.done, total: self.total.max(self.done) });
    }
}
