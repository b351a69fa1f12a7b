//! Asks the service how many tokens the first bodies of each kind have, where the model can count (C9).
//!
//! CountTokens is free and meters nothing (facts §1.5), and its answer comes before the first reply does: the first
//! reservations rest on it instead of on a guess.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::record::{Record, Route};

use super::dispatcher::Dispatcher;
use super::flight::News;

/// Bodies counted per model and kind of text.
const SAMPLES: u8 = 3;
/// Larger bodies are not sent a second time only to be counted.
const LARGEST: usize = 256 << 10;

/// What has been asked so far.
#[derive(Debug, Default)]
pub(super) struct Calibration {
    asked: HashMap<(String, u8), u8>,
    /// Models that refused to count: once is enough.
    refused: HashSet<String>,
}

impl Dispatcher {
    /// Has a body counted for each model it may be sent to, unless enough of its kind were.
    pub(super) fn calibrate(&mut self, record: &Record) {
        let body = &record.body;
        if body.json.len() > LARGEST {
            return;
        }
        for route in &self.routes {
            let id = route.setup.model_id().as_str();
            if !route.setup.model.is_some_and(|model| model.count_tokens) || self.calibration.refused.contains(id) {
                continue;
            }
            let asked = self.calibration.asked.entry((id.to_string(), body.text_kind)).or_default();
            if *asked >= SAMPLES {
                continue;
            }
            *asked += 1;
            let (clients, attempts) = (Arc::clone(&self.clients), self.attempts.clone());
            let route = Route { model: route.setup.model_id().clone(), ..route.setup.route.clone() };
            let body = body.clone();
            tokio::spawn(async move {
                let tokens = clients.count_tokens(&route, &body).await.ok();
                let (model, kind, raw) = (route.model, body.text_kind, body.raw_input);
                // Nobody left to tell is no loss.
                let _ = attempts.send(News::Counted { model, kind, raw, tokens });
            });
        }
    }

    /// An answer; `None`: the model or the permissions do not have it.
    pub(super) fn counted(&mut self, model: &str, kind: u8, raw: u64, tokens: Option<u64>) {
        match tokens {
            Some(tokens) => self.estimator.observe(model, kind, raw, tokens),
            None => {
                self.calibration.refused.insert(model.to_string());
            }
        }
    }
}
