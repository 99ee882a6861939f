//! Tokens of SoftHSM, in a folder of their own each time. Tests that need one are left
//! out, and say so, where SoftHSM is not.

use std::{
    env,
    fs::{self, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// The PIN of every token.
pub(crate) const PIN: &str = "482913";

/// By it SoftHSM finds its tokens.
pub(crate) const CONF: &str = "SOFTHSM2_CONF";

/// Where its library may be.
const MODULES: [&str; 5] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
];

/// SoftHSM with tokens in a folder.
pub(crate) struct Soft {
    /// Its library.
    pub(crate) module: PathBuf,
    /// The file with the PIN.
    pub(crate) pin_file: PathBuf,
    /// What [`CONF`] is to name.
    pub(crate) conf: PathBuf,
    folder: PathBuf,
}

impl Soft {
    /// Sets it up in a folder; `None` where it is not there.
    pub(crate) fn set_up(folder: &Path) -> Option<Self> {
        let module = MODULES.iter().map(PathBuf::from).find(|path| path.exists());
        let there = Command::new("softhsm2-util").arg("--version").output();
        let (Some(module), Ok(_)) = (module, there) else {
            // Written past the capture of tests, so that it is seen.
            let note = "note: no key is kept by a token in the tests: SoftHSM is not here\n";
            io::stderr().write_all(note.as_bytes()).unwrap();
            return None;
        };
        let soft = Self {
            module,
            pin_file: folder.join("pin"),
            conf: folder.join("softhsm2.conf"),
            folder: folder.to_owned(),
        };
        fs::create_dir_all(soft.tokens()).unwrap();
        fs::write(&soft.pin_file, format!("{PIN}\n")).unwrap();
        fs::set_permissions(&soft.pin_file, Permissions::from_mode(0o600)).unwrap();
        soft.configure(&soft.tokens(), "ALL");
        Some(soft)
    }

    /// Has the next to begin find tokens in a folder, with these mechanisms.
    pub(crate) fn configure(&self, tokens: &Path, mechanisms: &str) {
        let tokens = tokens.display();
        let conf = format!(
            "directories.tokendir = {tokens}\nslots.mechanisms = {mechanisms}\nlog.level = ERROR\n"
        );
        fs::write(&self.conf, conf).unwrap();
    }

    /// Adds a token.
    pub(crate) fn add(&self, label: &str) {
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", label])
            .args(["--pin", PIN, "--so-pin", "7391846"])
            .env(CONF, &self.conf)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    }

    /// Takes the tokens away, or puts them back.
    pub(crate) fn take_away(&self, away: bool) {
        let (tokens, elsewhere) = (self.tokens(), self.folder.join("away"));
        if away {
            fs::rename(&tokens, elsewhere).unwrap();
            fs::create_dir(&tokens).unwrap();
        } else {
            fs::remove_dir(&tokens).unwrap();
            fs::rename(elsewhere, tokens).unwrap();
        }
    }

    /// Where the tokens are.
    pub(crate) fn tokens(&self) -> PathBuf {
        self.folder.join("tokens")
    }
}

/// Has a test of this program done by a process of its own, in which SoftHSM has a token
/// `comity`: its library reads the environment, which the tests of a process share. In
/// that process it answers with SoftHSM, else with `None`: the test is done, or left out.
pub(crate) fn in_own_process(test: &str) -> Option<Soft> {
    const CHILD: &str = "COMITY_STORE_TOKEN_TEST";
    if let Some(folder) = env::var_os(CHILD) {
        return Soft::set_up(Path::new(&folder));
    }
    // In memory where that can be: what is broken is not the token's disk.
    let folder = TempDir::new_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap());
    let soft = Soft::set_up(folder.path())?;
    soft.add("comity");
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, folder.path())
        .env(CONF, &soft.conf)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", shown(&output));
    assert!(shown(&output).contains("1 passed"), "{}", shown(&output));
    None
}

fn shown(output: &Output) -> String {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}
