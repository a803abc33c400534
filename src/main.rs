use std::process::ExitCode;

use baseplate::cli::{Cli, Exit, words};
use baseplate::ui::{Ui, ignore_broken_pipe};
use clap::Parser;

fn main() -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    if let Some((argument, help)) = words::misread(&arguments) {
        Ui::new(false).error(&format!("unexpected argument '{argument}'"), help);
        return ExitCode::from(Exit::Usage as u8);
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            if !error.use_stderr() {
                return match ignore_broken_pipe(error.print()) {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(unwritten) => {
                        Ui::new(false).error(&unwritten.to_string(), "");
                        ExitCode::from(Exit::Failed as u8)
                    }
                };
            }
            // Not printed by clap, which quotes arguments as they are. Its own code for wrong usage is 2, which
            // here means that changes are pending.
            match words::help(&error, &arguments) {
                None => Ui::new(false).note(error.render().to_string().trim_end()),
                Some([what, help]) => Ui::new(false).error(&what, &help),
            }
            return ExitCode::from(Exit::Usage as u8);
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let message = format!("the operating system refuses a runtime: {error}");
            Ui::new(false).error(&message, "");
            return ExitCode::from(Exit::Failed as u8);
        }
    };
    ExitCode::from(runtime.block_on(baseplate::commands::run(cli)) as u8)
}
