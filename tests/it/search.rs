//! Finding: what is published is found within a second, what is withdrawn is gone as soon, and every number is right.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cuehouse::catalogue::lists;
use cuehouse::catalogue::track::Kind;
use cuehouse::ids::{TrackId, UserId};
use cuehouse::search::query::{Field, ROWS};
use cuehouse::search::{Found, Index, Query, Way};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::support::app::{PASSWORD, TestApp, email_of};
use crate::support::database::TestDb;
use crate::support::folder::TestFolder;
use crate::support::shelf::{Piece, Shelved, draft_row, piece, publish, seller, shelve, withdraw};

/// A shop in rows and its index.
struct Shelf {
    db: TestDb,
    folder: TestFolder,
    index: Index,
    uploader: UserId,
}

impl Shelf {
    async fn new(pieces: Vec<Piece>) -> (Shelf, Vec<Shelved>) {
        let (db, folder) = (TestDb::new().await, TestFolder::new());
        let tiers = cuehouse::sales::tier::Catalogue::default();
        let on_sale = move |conn: &mut cuehouse::db::Conn| {
            cuehouse::sales::edition::seed(conn, &tiers, cuehouse::clock::Timestamp::now())
        };
        db.db.write(on_sale).await.unwrap();
        let uploader = seller(&db.db, "Ines Morrow").await;
        let mut all = vec![];
        for piece in pieces {
            let shelved = draft_row(&db.db, &uploader, piece).await;
            publish(&db.db, &uploader, &shelved).await;
            all.push(shelved);
        }
        let index = Index::open(&folder.path().join("search"), &db.db).await.unwrap();
        index.caught_up().await.unwrap();
        (Shelf { db, folder, index, uploader }, all)
    }

    async fn finds(&self, asked: &str) -> Arc<Found> {
        self.index.page(&Query::parse(asked)).await.unwrap()
    }
}

fn has(found: &Found, track: &Shelved) -> bool {
    found.ids.contains(&track.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_found_within_a_second_and_what_is_withdrawn_is_gone_as_soon() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let mut visitor = app.visitor();
    for n in 0..5 {
        let track = shelve(&app.app, &ines, piece(&format!("Copper Weather {n}"))).await;
        let within = Instant::now();
        while !visitor.get("/search?q=copper").await.is(200).has(&track.href()) {
            assert!(within.elapsed() < Duration::from_secs(1), "not found within a second");
        }
        withdraw(&app.app.db, &ines, &track).await;
        // The row decides at once; the count follows within the second.
        assert!(!visitor.get("/search?q=copper").await.has(&track.href()));
        let within = Instant::now();
        while !visitor.get("/search?q=copper").await.has("Nothing has these words") {
            assert!(within.elapsed() < Duration::from_secs(1), "not gone within a second");
        }
    }
}

/// S3-19: free tags and the lists' own words are found, by synonyms, too.
#[tokio::test(flavor = "multi_thread")]
async fn words_are_found_as_people_type_them() {
    let mut strings = piece("Slow Strings");
    strings.description = "A cello under rain, for the end of a documentary.".into();
    strings.tags = vec!["slow build", "lo-fi"];
    strings.moods = vec!["brooding"];
    strings.bpm = Some(92.0);
    strings.key = Some("am");
    let mut horror = piece("Cellar Door");
    horror.moods = vec!["eerie"];
    horror.bpm = None;
    horror.key = None;
    horror.vocals = "choir";
    horror.duration_ms = 61_000;
    let (shelf, all) = Shelf::new(vec![strings, horror]).await;
    let [strings, horror] = &all[..] else { panic!() };
    for (asked, finds_strings, finds_horror) in [
        ("q=strings", true, false),
        ("q=string", true, false),
        ("q=STRINGS+slow", true, false),
        ("q=slo", true, false),         // not finished yet
        ("q=strngs", true, false),      // a letter missing
        ("q=stirngs", true, false),     // two swapped
        ("q=documentray", true, false), // in the description
        ("q=lofi", true, false),        // written otherwise
        ("q=lo+fi", true, false),
        ("q=brooding", true, false),   // a word of the lists
        ("q=ines+morrow", true, true), // who made it
        ("q=scary", false, true),      // a synonym
        ("q=92+bpm", true, false),
        ("q=strings+a+minor", true, false),
        ("q=strings+c+major", false, false),
        ("q=no+vocals", true, false),
        ("q=with+vocals", false, true),
        ("q=under+30+s", true, false),
        ("q=1:01", false, true),
        ("q=weather+-strings", false, false),
        ("q=morrow+-strings", false, true),
        ("mood=eerie", false, true),
        ("bpm_min=90&bpm_max=95", true, false),
        ("bpm_min=180&bpm_max=188&bpm_double=on", true, false),
        ("key=am", true, false),
        ("uploader=ines-morrow", true, true),
        ("uploader=somebody", false, false),
        ("tier=creator", true, true),
        ("tier=film", false, false),
    ] {
        let found = shelf.finds(asked).await;
        assert_eq!((has(&found, strings), has(&found, horror)), (finds_strings, finds_horror), "{asked}");
        assert_eq!(found.total, u64::from(finds_strings) + u64::from(finds_horror), "{asked}");
    }
    assert_eq!(shelf.finds("q=slow+stirngs").await.spelling.as_deref(), Some("slow string"));
    let loose = shelf.finds("q=strings+zeppelin").await;
    assert!(loose.loosened && has(&loose, strings));
    shelf.index.stop().await;
}

/// A title may hold what a question says with a tempo, a key or a length: it is found as it stands, beside what fits, and
/// where nothing fits the words count wherever they are.
#[tokio::test(flavor = "multi_thread")]
async fn a_title_that_reads_like_a_wish_is_found_as_it_stands() {
    let bare = |title: &str| Piece { bpm: None, key: None, ..piece(title) };
    let fits = Piece { bpm: Some(124.0), ..bare("House Loop") };
    let told = Piece { description: "Beaten at 99 bpm.".into(), ..bare("Kettle") };
    let pieces = vec![bare("House Loop 124 bpm"), fits, bare("Am I Here"), bare("60 s timer"), told];
    let (shelf, all) = Shelf::new(pieces).await;
    let [named, fits, here, timer, told] = &all[..] else { panic!() };
    for (asked, finds, plain) in [
        ("q=House+Loop+124+bpm", vec![named, fits], false),
        ("q=house+loop+124BPM", vec![named, fits], false),
        ("q=124+bpm", vec![named, fits], false),
        ("q=House+Loop+124+bpm&bpm_min=120&bpm_max=130", vec![fits], false),
        ("q=Am+I+Here", vec![here], false),
        ("q=60+s+timer", vec![timer], false),
        ("q=kettle+99+bpm", vec![told], true),
        ("q=kettle+98+bpm", vec![], false),
    ] {
        let found = shelf.finds(asked).await;
        assert!(finds.iter().all(|track| has(&found, track)), "{asked}");
        assert_eq!((found.total, found.plain), (finds.len() as u64, plain), "{asked}");
        assert!(!found.loosened, "{asked}");
    }
    shelf.index.stop().await;
}

/// A catalogue of many kinds, the same in every run.
fn many(count: usize) -> Vec<Piece> {
    let mut state = 7u64;
    let mut pick = move |n: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % n
    };
    let words = ["rain", "copper", "night", "river", "glass", "iron", "slow", "bright", "house", "train"];
    (0..count)
        .map(|n| {
            let mut one = piece(&format!("{} {} {n}", words[pick(10)], words[pick(10)]));
            one.description = format!("{} {}", words[pick(10)], words[pick(10)]);
            one.kind = [Kind::Music, Kind::Loop, Kind::Effect][pick(3)];
            one.genre = (pick(4) > 0).then(|| lists::GENRES[pick(6)].slug);
            one.vocals = ["none", "none", "lead", "choir", "spoken"][pick(5)];
            one.moods = (0..pick(4))
                .map(|_| lists::MOODS[pick(7)].slug)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
            one.instruments = (0..pick(3))
                .map(|_| lists::INSTRUMENTS[pick(8)].slug)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect();
            one.bpm = (pick(5) > 0).then(|| 60.0 + pick(120) as f64);
            one.key = (pick(3) > 0).then(|| lists::KEYS[pick(24)].slug);
            one.duration_ms = 1_000 * (1 + pick(300) as i64);
            one.prices = [("listen", 300), ("creator", 2900), ("film", 59_900)]
                .into_iter()
                .take(1 + pick(3))
                .collect();
            one
        })
        .collect()
}

/// Counts beside a filter are what one gets by choosing it, both ways of counting agree, and so do the rows.
#[tokio::test(flavor = "multi_thread")]
async fn every_count_is_what_choosing_it_finds() {
    let pieces = many(240);
    let (shelf, all) = Shelf::new(pieces.clone()).await;
    // Some are deleted from their segments, so that the mask of the living counts.
    for gone in all.iter().take(20) {
        withdraw(&shelf.db.db, &shelf.uploader, gone).await;
    }
    shelf.index.caught_up().await.unwrap();
    let alive: Vec<(&Piece, &TrackId)> = pieces.iter().zip(all.iter().map(|s| &s.id)).skip(20).collect();
    let view = shelf.index.view();
    for asked in [
        "",
        "q=rain",
        "q=rain+-copper",
        "q=ni",
        "kind=loop&kind=effect",
        "mood=anxious&genre=acoustic&genre=blues",
        "q=river&kind=music&vocals=lead",
        "bpm_min=80&bpm_max=120",
        "bpm_min=70&bpm_max=75&bpm_double=on&kind=music",
        "duration_min=30&duration_max=120&tier=listen",
        "key=am&key=c&instrument=accordion",
        "sort=longest&mood=calm",
        "sort=shortest&q=glass",
        "sort=new&genre=ambient&tier=film",
        "uploader=ines-morrow&kind=loop",
    ] {
        let query = Query::parse(asked);
        assert!(query.ignored.is_empty(), "{:?}", query.ignored);
        let (narrow, wide) = (view.find(&query, Way::Narrow).unwrap(), view.find(&query, Way::Wide).unwrap());
        let cheaper = view.find(&query, Way::Cheaper).unwrap();
        assert_eq!(narrow, wide, "{asked}");
        assert_eq!(narrow, cheaper, "{asked}");
        let expected = alive.iter().filter(|(piece, _)| fits(piece, &query)).count() as u64;
        assert_eq!(narrow.total, expected, "{asked}");
        for field in Field::ALL {
            let shown = &narrow.counts[field.name()];
            for (slug, count) in shown {
                let chosen = query.without(field).toggled(field, slug);
                let found = view.find(&chosen, Way::Cheaper).unwrap();
                assert_eq!(found.total, *count, "{asked} and {}={slug}", field.name());
            }
            assert!(shown.windows(2).all(|two| two[0].1 >= two[1].1), "most first");
        }
        // All pages together hold every hit once.
        let mut seen = BTreeSet::new();
        for page in 1..=expected.div_ceil(ROWS as u64) {
            let found = view.find(&query.at_page(page), Way::Cheaper).unwrap();
            assert!(found.ids.len() == ROWS || page == expected.div_ceil(ROWS as u64));
            seen.extend(found.ids.iter().cloned());
        }
        assert_eq!(seen.len() as u64, expected, "{asked}");
    }
    let longest = view.find(&Query::parse("sort=longest"), Way::Cheaper).unwrap();
    let lengths: Vec<i64> = longest
        .ids
        .iter()
        .map(|id| alive.iter().find(|(_, other)| *other == id).unwrap().0.duration_ms)
        .collect();
    assert!(lengths.windows(2).all(|two| two[0] >= two[1]), "{lengths:?}");
    shelf.index.stop().await;
}

/// What a search means, said without an index: for words that stand as they are typed.
fn fits(piece: &Piece, query: &Query) -> bool {
    let has_any = |field: Field, slugs: &[&str]| {
        let chosen = query.chosen(field);
        chosen.is_empty() || slugs.iter().any(|slug| chosen.contains(*slug))
    };
    let text = format!("{} {} Ines Morrow", piece.title, piece.description).to_lowercase();
    let lists = [piece.kind.as_str()]
        .into_iter()
        .chain(piece.genre)
        .chain(piece.moods.iter().copied())
        .chain(piece.instruments.iter().copied());
    let names: Vec<String> = lists.map(|slug| slug.replace('-', " ")).collect();
    let words: Vec<String> =
        format!("{text} {}", names.join(" ")).split_whitespace().map(str::to_owned).collect();
    let bpm = piece.bpm.map(|bpm| bpm.round() as u32);
    let in_tempo = |n: f64| {
        let within =
            |low: f64, high: f64| bpm.is_some_and(|bpm| f64::from(bpm) >= low && f64::from(bpm) <= high);
        within(
            f64::from(query.bpm.min.unwrap_or(0)) * n - 0.5 * n,
            f64::from(query.bpm.max.unwrap_or(9999)) * n + 0.49 * n,
        )
    };
    let tiers: Vec<&str> = piece.prices.iter().map(|(tier, _)| *tier).collect();
    let secs = piece.duration_ms as f64 / 1000.0;
    query.q.split_whitespace().all(|word| match word.strip_prefix('-') {
        Some(not) => !words.iter().any(|other| other == not),
        None if word == "ni" => words.iter().any(|other| other.starts_with("ni")),
        None => words.iter().any(|other| other == word),
    }) && has_any(Field::Kind, &[piece.kind.as_str()])
        && has_any(Field::Genre, piece.genre.as_slice())
        && has_any(Field::Mood, &piece.moods)
        && has_any(Field::Instrument, &piece.instruments)
        && has_any(Field::Vocals, &[piece.vocals])
        && has_any(Field::Key, piece.key.as_slice())
        && has_any(Field::Tier, &tiers)
        && (query.bpm.is_open() || in_tempo(1.0) || query.bpm_double && (in_tempo(0.5) || in_tempo(2.0)))
        && query.duration.min.is_none_or(|min| secs >= f64::from(min))
        && query.duration.max.is_none_or(|max| secs < f64::from(max) + 1.0)
}

/// On PostgreSQL a row with a lower number may be seen after one with a higher: two writers are held open, and end
/// in both orders. The follower misses neither, and not even over a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_misses_nothing_of_writers_that_end_in_any_order() {
    let (shelf, _) = Shelf::new(vec![]).await;
    if !shelf.db.is_postgres() {
        return;
    }
    let url = shelf.db.url.clone();
    let open = || {
        let mut conn = diesel::PgConnection::establish(&url).unwrap();
        conn.batch_execute("BEGIN").unwrap();
        conn
    };
    let publishes = |conn: &mut diesel::PgConnection, track: &Shelved| {
        let id = &track.id;
        conn.batch_execute(&format!(
            "UPDATE tracks SET state = 'published', published_at = 1 WHERE id = '{id}'; \
             INSERT INTO changes (track_id, at) VALUES ('{id}', 1)"
        ))
        .unwrap();
    };
    let mut index = shelf.index.clone();
    for (first_ends_first, restart) in [(true, false), (false, false), (false, true)] {
        let (a, b) = (
            draft_row(&shelf.db.db, &shelf.uploader, piece("Held Open First")).await,
            draft_row(&shelf.db.db, &shelf.uploader, piece("Held Open Second")).await,
        );
        index.caught_up().await.unwrap();
        let (mut first, mut second) = (open(), open());
        publishes(&mut first, &a);
        publishes(&mut second, &b);
        let (mut sooner, mut later, early, late) =
            if first_ends_first { (first, second, &a, &b) } else { (second, first, &b, &a) };
        sooner.batch_execute("COMMIT").unwrap();
        appears(&index, early).await;
        assert!(!has(&held(&index).await, late));
        if restart {
            index.stop().await;
            index = Index::open(&shelf.folder.path().join("search"), &shelf.db.db).await.unwrap();
            appears(&index, early).await;
        }
        later.batch_execute("COMMIT").unwrap();
        appears(&index, late).await;
        assert!(has(&held(&index).await, early));
    }
    index.stop().await;
}

async fn held(index: &Index) -> Found {
    Found::clone(&*index.page(&Query::parse("q=held&sort=new")).await.unwrap())
}

async fn appears(index: &Index, track: &Shelved) {
    let begun = Instant::now();
    while !has(&held(index).await, track) {
        assert!(begun.elapsed() < Duration::from_secs(3), "not found in three seconds");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_process_has_its_own_copy_and_can_lose_it() {
    let (shelf, all) = Shelf::new(many(30)).await;
    let other = Index::open(&shelf.folder.path().join("search"), &shelf.db.db).await.unwrap();
    other.caught_up().await.unwrap();
    assert_eq!((shelf.index.count(), other.count()), (30, 30));
    withdraw(&shelf.db.db, &shelf.uploader, &all[0]).await;
    shelf.index.caught_up().await.unwrap();
    other.caught_up().await.unwrap();
    assert_eq!((shelf.index.count(), other.count()), (29, 29));
    // A reindex builds anew in both, and answers all the while.
    shelf.index.rebuild().await.unwrap();
    assert_eq!(shelf.index.count(), 29);
    shelf.index.stop().await;
    other.stop().await;
    // Threads that joined segments may still be putting their files away for a moment.
    let lost = shelf.folder.path().join("search");
    for _ in 0..200 {
        if std::fs::remove_dir_all(&lost).is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(!lost.exists(), "the copy could not be lost");
    let again = Index::open(&shelf.folder.path().join("search"), &shelf.db.db).await.unwrap();
    again.caught_up().await.unwrap();
    assert_eq!(again.count(), 29);
    again.stop().await;
    // A damaged one is no reason to fail either.
    let mut stack = vec![shelf.folder.path().join("search")];
    while let Some(folder) = stack.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                stack.push(path);
            } else if path.extension().is_some() || path.file_name().unwrap() == "meta.json" {
                std::fs::write(path, b"not an index").unwrap();
            }
        }
    }
    let again = Index::open(&shelf.folder.path().join("search"), &shelf.db.db).await.unwrap();
    again.caught_up().await.unwrap();
    assert_eq!(again.count(), 29);
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_and_strange_searches_are_searches() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    shelve(&app.app, &ines, piece("Copper Weather")).await;
    app.app.index.caught_up().await.unwrap();
    let mut visitor = app.visitor();
    let long = "a".repeat(5000);
    let many = "rain+".repeat(800);
    let values = "&mood=calm".repeat(400);
    for asked in [
        "q=%22unbalanced",
        "q=title:(copper",
        "q=copper+AND+OR+NOT",
        "q=*",
        "q=%2B%2D%26%7C%21",
        "q=copper~2^9",
        "q=%3Cscript%3Ealert(1)%3C/script%3E",
        "q=%27+OR+1=1--",
        "q=%00%01%FF%FE",
        "q=%F0%9F%8E%B5+%E2%80%AE+%CC%81",
        "q=-",
        "q=---+-+-copper",
        "bpm_min=nan&bpm_max=-5&duration_min=1e99",
        "page=99999999999999999999",
        "page=-1",
        "key=%00&genre=../../etc/passwd",
        "sort=%3Cb%3E",
        "tier=no-such-tier",
        "%3Cscript%3E=1",
        "q",
        "&&&==&",
        long.as_str(),
        many.as_str(),
        values.as_str(),
    ] {
        let address =
            if asked.contains('=') { format!("/search?{asked}") } else { format!("/search?q={asked}") };
        let page = visitor.get(&address).await.is(200);
        let text = page.text();
        assert!(!text.contains("<script>alert") && !text.contains("<b>\""), "{asked}");
        assert!(text.contains("id=\"found\""), "{asked}");
    }
    let page = visitor.get("/search?genre=polka-metal&tier=no-such-tier&colour=red&page=77").await.is(200);
    for said in ["polka-metal", "is not a licence here", "colour", "There is only one page"] {
        assert!(page.has(said), "{said} is not said");
    }
    assert!(page.has("Copper Weather"));
}

/// Every filter survives paging, sorting and signing in.
#[tokio::test(flavor = "multi_thread")]
async fn filters_go_along_wherever_one_goes() {
    let app = TestApp::new().await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    for n in 0..30 {
        let mut one = piece(&format!("Copper Weather {n}"));
        one.moods = vec!["calm"];
        shelve(&app.app, &ines, one).await;
    }
    app.app.index.caught_up().await.unwrap();
    let mut visitor = app.visitor();
    let asked = "/search?q=copper&kind=music&mood=calm&mood=dark&vocals=none&bpm_min=90&bpm_max=100&key=fsm\
                 &duration_min=2&duration_max=20&tier=listen&uploader=ines-morrow&genre=ambient";
    let address = Query::parse(asked.split_once('?').unwrap().1).address();
    let page = visitor.get(asked).await.is(200);
    let text = page.text().replace("&amp;", "&").replace("&#x2F;", "/");
    assert_eq!(text.matches("data-track=").count(), ROWS);
    assert!(text.contains("30 sounds"));
    for link in [format!("{address}&page=2"), format!("{address}&sort=longest")] {
        assert!(text.contains(&format!("href=\"{link}\"")), "{link} is missing");
    }
    let next: String = url::form_urlencoded::byte_serialize(asked.as_bytes()).collect();
    assert!(text.contains(&format!("href=\"/sign-in?next={next}\"")));
    let second = visitor.get(&format!("{address}&page=2")).await.is(200).text();
    assert_eq!(second.matches("data-track=").count(), 30 - ROWS);
    // The box itself carries them, too.
    for (name, value) in [("mood", "calm"), ("mood", "dark"), ("tier", "listen"), ("uploader", "ines-morrow")]
    {
        assert!(second.contains(&format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")));
    }
    // Choosing one more keeps the others; taking one off leaves the rest.
    let query = Query::parse(asked.split_once('?').unwrap().1);
    let without = query.toggled(Field::Mood, "calm").address();
    assert!(text.contains(&format!("href=\"{without}\"")), "{without} is missing");
    // Whoever signs in on the way lands on the very search, with everything that was chosen, and a wrong word first changes
    // nothing about that.
    app.buyer("Ada Field").await;
    let (way_in, email) = (format!("/sign-in?next={next}"), email_of("Ada Field"));
    let wrong = [("email", email.as_str()), ("password", "copper weather 8")];
    let form = visitor.send(&way_in, "/sign-in", &wrong).await.is(422).form("/sign-in");
    assert!(form.contains(&("next".to_owned(), asked.to_owned())), "{form:?}");
    let right = [("email", email.as_str()), ("password", PASSWORD)];
    let there = visitor.send(&way_in, "/sign-in", &right).await.is(303).location().to_owned();
    assert_eq!(there, asked);
    let again = visitor.get(&there).await.is(200);
    assert!(again.has("action=\"/sign-out\"") && again.has("30 sounds"));
    let again = again.text().replace("&amp;", "&").replace("&#x2F;", "/");
    assert_eq!(again.matches("data-track=").count(), ROWS);
    for link in [format!("{address}&page=2"), format!("{address}&sort=longest"), without] {
        assert!(again.contains(&format!("href=\"{link}\"")), "{link} is missing");
    }
    for (name, value) in query.pairs().into_iter().filter(|(name, _)| *name != "q") {
        assert!(
            again.contains(&format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_say_why_they_are_there() {
    let list = TestFolder::new();
    let file = list.path().join("synonyms.txt");
    std::fs::write(&file, "# ours\nbrolly, copper\n").unwrap();
    let app = TestApp::with(&[("CUEHOUSE_SEARCH_SYNONYMS", &file.display().to_string())]).await;
    let ines = app.uploader("Ines Morrow").await.user.unwrap();
    let mut one = piece("Copper Weather");
    one.tags = vec!["storm"];
    one.moods = vec!["eerie"];
    one.description = "A track of a test at 77 bpm.".into();
    shelve(&app.app, &ines, one).await;
    app.app.index.caught_up().await.unwrap();
    let mut visitor = app.visitor();
    for (q, why) in [
        ("copper", "In its title."),
        ("copper+storm", "In its title and tags."),
        ("copper+morrow", "In its title and uploader."),
        ("test", "In its description."),
        ("scary", "In its facts; “scary” as “eerie”."),
        ("brolly", "In its title; “brolly” as “copper”."),
    ] {
        let page = visitor.get(&format!("/search?q={q}")).await.is(200);
        assert!(page.has(why), "{q}: {why} is missing in {}", page.text());
    }
    assert!(visitor.get("/search?q=coper").await.has("Did you mean"));
    let read = visitor.get("/search?q=96+bpm").await;
    assert!(read.has("was read as") && !read.has("as they were typed"));
    // No track is of that tempo, and one has it among its words.
    let plain = visitor.get("/search?q=copper+77+bpm").await;
    for said in ["was read as", "these have the words as they were typed", "In its title and description."] {
        assert!(plain.has(said), "{said} is missing");
    }
}
