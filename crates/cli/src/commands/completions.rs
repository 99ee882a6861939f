//! `comity completions`: what a shell offers as a command is typed.

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use crate::exit::{Exit, Failure};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples: comity completions bash > ~/.local/share/bash-completion/completions/comity
          comity completions zsh > ~/.zfunc/_comity
          comity completions fish > ~/.config/fish/completions/comity.fish"
)]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut command = crate::Arguments::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(arguments.shell, &mut command, name, &mut script);
    print!("{}", String::from_utf8(script)?);
    Ok(Exit::Done)
}
