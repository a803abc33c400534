//! Words that an engine keeps to itself.

/// PostgreSQL's reserved key words (appendix C of its manual, the column "PostgreSQL").
const POSTGRES: &str = "all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate \
    collation column concurrently constraint create cross current_catalog current_date current_role \
    current_schema current_time current_timestamp current_user default deferrable desc distinct do else end \
    except false fetch for foreign freeze from full grant group having ilike in initially inner intersect into \
    is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset on \
    only or order outer overlaps placing primary references returning right select session_user similar some \
    symmetric system_user table tablesample then to trailing true union unique user using variadic verbose when \
    where window with";

/// MySQL's reserved words, 5.7 to 8.4 (chapter "Keywords and Reserved Words" of its manual).
const MYSQL: &str = "accessible add all alter analyze and as asc asensitive before between bigint binary blob both by call \
    cascade case change char character check collate column condition constraint continue convert create cross \
    cube cume_dist current_date current_time current_timestamp current_user cursor database databases day_hour \
    day_microsecond day_minute day_second dec decimal declare default delayed delete dense_rank desc describe \
    deterministic distinct distinctrow div double drop dual each else elseif empty enclosed escaped except \
    exists exit explain false fetch first_value float float4 float8 for force foreign from fulltext function \
    generated get grant group grouping groups having high_priority hour_microsecond hour_minute hour_second if \
    ignore in index infile inner inout insensitive insert int int1 int2 int3 int4 int8 integer intersect \
    interval into io_after_gtids io_before_gtids is iterate join json_table key keys kill lag last_value lateral \
    lead leading leave left like limit linear lines load localtime localtimestamp lock long longblob longtext \
    loop low_priority match maxvalue mediumblob mediumint mediumtext middleint minute_microsecond minute_second \
    mod modifies natural not no_write_to_binlog nth_value ntile null numeric of on optimize optimizer_costs \
    option optionally or order out outer outfile over partition percent_rank precision primary procedure purge \
    range rank read reads read_write real recursive references regexp release rename repeat replace require \
    resignal restrict return revoke right rlike row rows row_number schema schemas second_microsecond select \
    sensitive separator set show signal smallint spatial specific sql sqlexception sqlstate sqlwarning \
    sql_big_result sql_calc_found_rows sql_small_result ssl starting stored straight_join system table \
    terminated then tinyblob tinyint tinytext to trailing trigger true undo union unique unlock unsigned update \
    usage use using utc_date utc_time utc_timestamp values varbinary varchar varcharacter varying virtual when \
    where while window with write xor year_month zerofill";

/// Databases that are there from the start, and such names of RDS's own.
const DATABASES: [(&str, &[&str]); 2] = [
    ("postgres", &["admin", "rdsadmin", "template0", "template1"]),
    ("mysql", &["information_schema", "mysql", "performance_schema", "rdsadmin", "sys"]),
];

/// Whether no database of this engine can have this name.
pub(super) fn is_database(engine: &str, name: &str) -> bool {
    let own = DATABASES.iter().find(|(of, _)| *of == engine).is_some_and(|(_, names)| is_among(names, name));
    own || is_word(engine, name)
}

/// Whether the master user of this engine cannot have this name.
pub(super) fn is_user(engine: &str, name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let own = match engine {
        "postgres" => lower == "admin" || lower.starts_with("pg_"),
        _ => false,
    };
    own || lower == "rdsadmin" || is_word(engine, name)
}

fn is_word(engine: &str, name: &str) -> bool {
    let words = if engine == "mysql" { MYSQL } else { POSTGRES };
    words.split(' ').any(|word| word.eq_ignore_ascii_case(name))
}

fn is_among(names: &[&str], name: &str) -> bool {
    names.iter().any(|one| one.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_engine_has_words_of_its_own() {
        assert!(is_user("postgres", "admin") && !is_user("mysql", "admin"));
        assert!(is_user("postgres", "pg_town") && !is_user("mysql", "pg_town"));
        assert!(is_user("mysql", "rdsadmin") && is_user("postgres", "RDSAdmin"));
        assert!(is_user("postgres", "user") && !is_user("mysql", "user"));
        assert!(is_database("mysql", "schema") && !is_database("postgres", "schema"));
        assert!(is_database("postgres", "Table") && !is_database("postgres", "postgres"));
    }
}
