//! What is logged in the process of the tests, at its most talkative.

use std::{
    io::{self, Write},
    sync::{Arc, LazyLock, Mutex},
};

use tracing_subscriber::filter::LevelFilter;

/// See the module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Begins to keep what is logged, once for all tests of the process: each looks
    /// for values of its own, which nobody may log.
    pub(crate) fn of_all() -> Self {
        static LOG: LazyLock<Log> = LazyLock::new(|| {
            let log = Log::default();
            let told = log.clone();
            let all = tracing_subscriber::fmt().with_max_level(LevelFilter::DEBUG);
            all.with_writer(move || told.clone()).init();
            log
        });
        LOG.clone()
    }

    /// The lines, as they came.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
