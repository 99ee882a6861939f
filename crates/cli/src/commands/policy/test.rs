//! `comity policy test`: the scenarios beside the modules.

use comity_policy::Library;

use super::Folder;
use crate::exit::{Exit, Failure};

pub(super) fn run(folder: &Folder) -> Result<Exit, Failure> {
    let library = Library::load(&folder.policies)?;
    let results = library.run_scenarios();
    let failed = results
        .iter()
        .filter(|result| !result.failures.is_empty())
        .count();
    for result in results.iter().filter(|result| !result.failures.is_empty()) {
        println!("{} {}: {}", result.module, result.id, result.title);
        for failure in &result.failures {
            println!("  {failure}");
        }
    }
    println!("{} passed, {failed} failed", results.len() - failed);
    Ok(if failed == 0 { Exit::Done } else { Exit::No })
}
