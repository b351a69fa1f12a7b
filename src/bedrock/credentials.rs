//! When the credentials end, without asking their source more often than the SDK does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use aws_credential_types::provider::{
    self, ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future,
};

/// A credentials provider that remembers the end of what it last handed out. The SDK caches credentials in front of it
/// and comes back shortly before they end, so what is remembered is what is in use.
#[derive(Clone, Debug)]
pub(crate) struct Remembering {
    source: Option<SharedCredentialsProvider>,
    last: Arc<Mutex<Last>>,
}

#[derive(Clone, Copy, Debug)]
enum Last {
    NotAsked,
    Ends(Option<SystemTime>),
    Failed,
}

impl Remembering {
    /// Around `source`; without one there are no credentials.
    pub(crate) fn around(source: Option<SharedCredentialsProvider>) -> Remembering {
        Remembering { source, last: Arc::new(Mutex::new(Last::NotAsked)) }
    }

    /// When the credentials in use end. Asks the source if nobody has yet.
    pub(crate) async fn until(&self) -> Option<SystemTime> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match last {
            Last::Ends(end) => end,
            Last::NotAsked | Last::Failed => self.ask().await.ok().and_then(|credentials| credentials.expiry()),
        }
    }

    async fn ask(&self) -> provider::Result {
        let answer = match &self.source {
            Some(source) => source.provide_credentials().await,
            None => Err(CredentialsError::not_loaded_no_source()),
        };
        let last = match &answer {
            Ok(credentials) => Last::Ends(credentials.expiry()),
            Err(_) => Last::Failed,
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
        answer
    }
}

impl ProvideCredentials for Remembering {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.ask())
    }
}
