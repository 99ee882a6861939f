//! `comity audit`: for auditors; works on the files alone, offline, or asks a
//! gateway. Only `erase`, `hold`, `prune`, `reindex` and `assess` change anything.

mod backup;
mod beside;
mod bundle;
mod cosigned;
mod denied;
mod disclose;
mod due;
mod emergencies;
mod erase;
mod export;
mod hold;
mod personal;
mod prove;
mod prune;
mod reindex;
mod rerun;
mod search;
mod seconded;
mod show;
mod source;
mod stats;
mod timestamped;
mod verify;
mod zipped;

use clap::Subcommand;

/// Most bytes of a file with keys, witnesses or certificates that is given, and of a proof.
const GIVEN_BYTES_MAX: u64 = 16 << 20;

use crate::exit::{Exit, Failure};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Verify a data folder, a case bundle, a ledger, a proof or single fields of a record,
    /// offline; names the place of any flaw
    #[command(after_help = "Examples: comity audit verify --data .comity/data
          comity audit verify case.zip --key verifier
          comity audit verify entry.tlog-proof --key 'comity.example/ledger+…'
          comity audit verify --data .comity/data --policy witnesses.policy
          comity audit verify --data .comity/data --authorities roots.pem
          comity audit verify case.zip --key verifier --ml-dsa-key verifier-ml-dsa-44

It ends at the first flaw: others may show once that is mended.

Exit code 0: all in order; 1: it is not; 2: misuse or failure, also where a file may not be read")]
    Verify(verify::Verify),
    /// List entries of the ledger
    #[command(
        after_help = "Examples: comity audit search --data .comity/data --outcome REFUSED --since 2026-01-01 --sort 'at desc'
          comity audit search --person - --born - --purpose 'request for access 12/26' < person.txt

A personal value given as an option stays in the history of the shell and shows in the list of
processes: give `-` and write it, or each, as a line of standard input. It finds what is the
same but for the writing: `Müller, Jean-Luc` is `jean luc MÜLLER`, and is not `Mueller`.
A gateway lets auditors search so whose authority has `may_search_persons` in the directory of
its State, in matters of that State; it keeps on record why and how many, never for what.

Exit code 0: something was found; 1: nothing was; 2: misuse or failure"
    )]
    Search(Box<search::Search>),
    /// Show an entry with its record, or a case
    #[command(after_help = "Example: comity audit show 7 --data .comity/data")]
    Show(show::Show),
    /// Prove that an entry is in the ledger: C2SP tlog-proof
    #[command(after_help = "Example: comity audit prove 7 --data .comity/data --out 7.tlog-proof")]
    Prove(prove::Prove),
    /// Write single fields of an entry's record into a file that proves them and says
    /// nothing of the others
    #[command(
        after_help = "Examples: comity audit disclose 7 --list --data .comity/data
          comity audit disclose 7 --field request.purpose --field 'decision.grounds[0]' --out 7.json
          comity audit disclose 7 --field 'request.persons[1]' --bundle case.zip --out person.json
          comity audit verify 7.json --key 'comity.example/ledger+…'

What cannot be seen cannot be proven: that a field is not there, say. Once the record is erased
nothing more of it is shown; what was shown before stays proven.

Exit code 0: written, or listed; 1: there is no such entry, or it has no fields to show;
2: misuse or failure"
    )]
    Disclose(disclose::Disclose),
    /// Write everything on record of a case into a folder or zip file that proves
    /// itself
    #[command(
        after_help = "Example: comity audit export cases/… --data .comity/data --out case.zip"
    )]
    Export(export::Export),
    /// Erase the records of a case that has ended, or of an entry without a case, in
    /// the data folder of a gateway that is stopped
    #[command(
        after_help = "Example: comity audit erase cases/… --data .comity/data --by 'data protection officer' --reason 'retention ended, section 489 StPO'

Every proof stays valid, and an entry says what was erased, when, and under seal by whose
order and why. It cannot be undone."
    )]
    Erase(erase::Erase),
    /// Copy a data folder, also of a gateway that is at work, without its keys, and verify
    /// the copy
    #[command(
        after_help = "Examples: comity audit backup /backup/2026-12-01 --config comity.toml
          comity audit backup /backup/2026-12-01 --data .comity/data --skip-evidence

The folder is new. It is made under another name beside it and has its own once it is whole, on
the disk and verified. The keys are never copied: what is printed says which to keep apart. Run it
as the user that the gateway runs as. After `erase` and `prune` make a new one, and destroy those of
before.

Exit code 0: it is there and in order; 2: misuse or failure, and there is none"
    )]
    Backup(backup::Backup),
    /// Prune the oldest entries of the ledger, in the data folder of a gateway that is
    /// stopped
    #[command(
        after_help = "Examples: comity audit prune --before 2024-01-01 --dry-run --data .comity/data
          comity audit prune --before 2024-01-01 --data .comity/data --by 'data protection officer' --reason 'period of logs over, section 76 BDSG'

Entries go by 256, as far as each is older than that day and the cases they belong to were erased.
Every checkpoint and proof stays valid, and an entry says up to where the ledger was pruned, when,
and under seal by whose order and why. It cannot be undone.

Exit code 0: something is pruned, or would be; 1: nothing can be; 2: misuse or failure"
    )]
    Prune(prune::Prune),
    /// Put a case under a legal hold, or lift one, in the data folder of a gateway that is
    /// stopped
    #[command(
        after_help = "Example: comity audit hold cases/… --data .comity/data --by 'registry of the court' --reason 'appeal pending'
         comity audit hold cases/… --lift 41 --data .comity/data --by 'registry of the court' --reason 'appeal decided'

While a hold stands neither the case nor its evidence is erased. There may be several over a
case; each is lifted by itself. Of each an entry says so, and under seal by whose order and why."
    )]
    Hold(hold::Hold),
    /// List the legal holds that stand
    #[command(after_help = "Example: comity audit holds --data .comity/data")]
    Holds(hold::Holds),
    /// List cases that have ended and whose retention is over, or that have no retention
    /// class: what is left to decide for whoever erases
    #[command(
        after_help = "Example: comity audit due --config comity.toml --at 2031-01-01

The classes are those of `[[retention]]` in the settings. Nothing is erased: see `erase`."
    )]
    Due(due::Due),
    /// Make the index of personal values again from the records, in the data folder of a
    /// gateway that is stopped
    #[command(after_help = "Example: comity audit reindex --data .comity/data

A gateway does so by itself as it starts, where the index is lost or not complete.")]
    Reindex(reindex::Reindex),
    /// Make decisions on record again by the law of their day
    #[command(
        after_help = "Example: comity audit rerun --data .comity/data --since 2026-01-01

Exit code 0: each is as on record, to the byte, or its record was erased; 1: some are not;
2: misuse or failure"
    )]
    Rerun(rerun::Rerun),
    /// Statutory statistics, and how long answers took
    #[command(
        after_help = "Example: comity audit stats --data .comity/data --from 2026-01-01 --until 2026-12-31"
    )]
    Stats(stats::Stats),
    /// List cases at their end that were put forward as emergencies, and who does so
    /// how often
    #[command(
        after_help = "Example: comity audit emergencies --purpose 'yearly review' --ca ca.pem --cert me.pem --key me.key"
    )]
    Emergencies(emergencies::Listing),
    /// Say of such a case whether it was one; both sides are told
    #[command(
        after_help = "Example: comity audit assess cases/… unjustified --reasons 'No life was at risk.' --ca ca.pem --cert me.pem --key me.key"
    )]
    Assess(emergencies::Assessment),
}

pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Search(arguments) => search::run(*arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Prove(arguments) => prove::run(arguments),
        Command::Disclose(arguments) => disclose::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Erase(arguments) => erase::run(arguments),
        Command::Backup(arguments) => backup::run(&arguments),
        Command::Prune(arguments) => prune::run(arguments),
        Command::Hold(arguments) => hold::order(arguments),
        Command::Holds(arguments) => hold::list(arguments),
        Command::Due(arguments) => due::run(arguments),
        Command::Reindex(arguments) => reindex::run(arguments),
        Command::Rerun(arguments) => rerun::run(&arguments),
        Command::Stats(arguments) => stats::run(arguments),
        Command::Emergencies(arguments) => emergencies::list(arguments),
        Command::Assess(arguments) => emergencies::assess(arguments),
    }
}
