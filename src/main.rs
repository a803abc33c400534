use std::process::ExitCode;

use baseplate::cli::{Cli, Exit};
use clap::Parser;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // clap's own code for wrong usage is 2, which here means that changes are pending.
            return ExitCode::from(if error.use_stderr() { Exit::Usage as u8 } else { 0 });
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let message = format!("the operating system refuses a runtime: {error}");
            baseplate::ui::Ui::new(false).error(&message, "");
            return ExitCode::from(Exit::Failed as u8);
        }
    };
    ExitCode::from(runtime.block_on(baseplate::commands::run(cli)) as u8)
}
