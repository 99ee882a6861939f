//! `comity policy check`: every mistake in the policy files.

use comity_policy::Library;

use super::Folder;
use crate::exit::{Exit, Failure};

pub(super) fn run(folder: &Folder) -> Result<Exit, Failure> {
    match Library::load(&folder.policies) {
        Ok(library) => {
            let (modules, rules) = library.modules().fold((0, 0), |(modules, rules), module| {
                (modules + 1, rules + module.rules)
            });
            println!(
                "no mistake in {modules} modules with {rules} rules; bundle {}",
                library.digest()
            );
            Ok(Exit::Done)
        }
        Err(report) => {
            println!("{report}");
            Ok(Exit::No)
        }
    }
}
