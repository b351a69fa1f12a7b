//! Where configuration and state live (XDG).

use std::path::PathBuf;

use etcetera::BaseStrategy;

/// The folders of this program.
#[derive(Clone, Debug)]
pub struct Paths {
    /// `$XDG_CONFIG_HOME/bedrock-top`.
    pub config: PathBuf,
    /// `$XDG_STATE_HOME/bedrock-top`: incident files, logs.
    pub state: PathBuf,
}

impl Paths {
    /// By the environment; `None` where there is no home.
    #[must_use]
    pub fn find() -> Option<Paths> {
        let base = etcetera::base_strategy::Xdg::new().ok()?;
        let state = base.state_dir().unwrap_or_else(|| base.home_dir().join(".local/state"));
        Some(Paths { config: base.config_dir().join("bedrock-top"), state: state.join("bedrock-top") })
    }

    /// The folder of the operator's own themes.
    #[must_use]
    pub fn themes(&self) -> PathBuf {
        self.config.join("themes")
    }

    /// What the console keeps from one time to the next.
    #[must_use]
    pub fn console_memory(&self) -> PathBuf {
        self.state.join("console.json")
    }

    /// The configuration file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }
}
