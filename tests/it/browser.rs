//! Journeys that need a browser: what plays while one moves on, uploads with progress, keys, narrow screens, no script.

use std::collections::BTreeSet;

use cuehouse::db::schema::tracks;
use cuehouse::jobs;
use diesel::prelude::*;
use fantoccini::key::Key;

use crate::support::app::{PASSWORD, TestApp};
use crate::support::browser::Browser;
use crate::support::choices::refusals;
use crate::support::chromium::{Chromium, Driver};
use crate::support::folder::TestFolder;
use crate::support::shelf::{Piece, piece, shelve};

/// A shop that works its jobs by itself, as `serve` does.
struct OpenShop {
    app: TestApp,
    editor: Browser,
    stopper: jobs::run::Stopper,
}

impl OpenShop {
    async fn new() -> OpenShop {
        let app = TestApp::new().await;
        let (stopper, stop) = jobs::stopper();
        tokio::spawn(jobs::run::work(app.app.clone(), stop));
        let editor = app.person("Quick Editor", &[cuehouse::accounts::user::Role::Reviewer]).await;
        OpenShop { app, editor, stopper }
    }

    /// Brings a sound of its uploader into the shop, and says under which slug.
    async fn sells(&mut self, uploader: &mut Browser, title: &str, seed: u32) -> String {
        let bytes = song(seed);
        let sent = uploader.upload("/studio/uploads/new", "/studio/uploads", "song.wav", &bytes).await;
        let page = sent.location().to_owned();
        let edit = loop {
            let seen = uploader.get(&page).await.is(200);
            if let Some(edit) = seen.link("/studio/tracks/") {
                break edit;
            }
            assert!(!seen.has("refused"), "{}", seen.text());
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        };
        let slug = edit.split('/').nth(3).unwrap().to_owned();
        let (save, submit) = (format!("/studio/tracks/{slug}"), format!("/studio/tracks/{slug}/submission"));
        let words = [
            ("title", title),
            ("description", "Recorded in the open, with weather in it."),
            ("kind", "music"),
            ("genre", "ambient"),
            ("tags", "rain, tin, roof"),
            ("under_age", "no"),
            ("price.creator", "29"),
            ("price.business", "79"),
        ];
        uploader.send(&edit, &save, &words).await.is(303);
        uploader.send(&edit, &submit, &[]).await.is(303);
        let review = format!("/admin/review/{slug}");
        self.editor.send(&review, &format!("{review}/publication"), &[]).await.is(303);
        self.finds(&slug, title).await;
        slug
    }
}

impl Drop for OpenShop {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

/// Twenty-four seconds of chords over a beat as a 16-bit WAV; another seed is another piece.
fn song(seed: u32) -> Vec<u8> {
    const RATE: u32 = 44_100;
    let count = RATE * 24;
    let (roots, beat) = ([0.0, 5.0, 7.0, 3.0], 60.0 / f64::from(84 + seed % 40));
    let mut out = vec![];
    for (tag, bytes) in [
        (b"RIFF".as_slice(), (36 + count * 4).to_le_bytes().to_vec()),
        (b"WAVEfmt ".as_slice(), 16u32.to_le_bytes().to_vec()),
        (&[1, 0, 2, 0], RATE.to_le_bytes().to_vec()),
    ] {
        out.extend_from_slice(tag);
        out.extend_from_slice(&bytes);
    }
    out.extend_from_slice(&(RATE * 4).to_le_bytes());
    out.extend_from_slice(&[4, 0, 16, 0]);
    out.extend_from_slice(b"data");
    out.extend_from_slice(&(count * 4).to_le_bytes());
    let mut noise = seed | 1;
    for n in 0..count {
        let t = f64::from(n) / f64::from(RATE);
        let in_beat = (t / beat).fract() * beat;
        let root = roots[(t / (beat * 4.0)) as usize % 4] + f64::from(seed % 12);
        let tone = |half: f64| (t * 110.0 * ((root + half) / 12.0).exp2() * std::f64::consts::TAU).sin();
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let hit = f64::from(noise >> 16) / 32_768.0 - 1.0;
        let sound =
            (tone(0.0) + tone(4.0) + tone(7.0) + tone(12.0)) * 0.13 * (0.4 + 0.6 * (-2.0 * in_beat).exp())
                + hit * 0.25 * (-40.0 * in_beat).exp();
        for _ in 0..2 {
            out.extend_from_slice(&((sound * 30_000.0) as i16).to_le_bytes());
        }
    }
    out
}

/// Where the sound is, in seconds.
const AT: &str = "document.getElementById('sound').currentTime";

/// # The whole journey (S4-12): an account through the age screen, an upload, a review, a search, a licence, the bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_song_goes_from_its_maker_to_its_licensee_in_a_browser() {
    let Some(driver) = Driver::start() else { return };
    let shop = OpenShop::new().await;
    let wav = song(3);

    // Its maker arrives, says when they were born, opens an account and follows the letter's link.
    let maker = driver.desk(&shop.app.url).await;
    maker.open("/sign-up").await;
    maker.choose("birth_month", "5").await;
    maker.fill("birth_year", "1984").await;
    maker.send("/age").await;
    maker.see("main [name=password]").await;
    maker.fill("name", "Ines Morrow").await;
    maker.fill("email", "ines@example.com").await;
    maker.fill("password", PASSWORD).await;
    maker.send("/sign-up").await;
    maker.comes_to("/sign-up/letter").await;
    let letter = shop.letter_to("ines@example.com").await;
    maker.open(&letter).await;
    if maker.client.find(fantoccini::Locator::Css("main form[action^='/confirm']")).await.is_ok() {
        maker.press("main form[action^='/confirm'] button").await;
    }
    maker.open("/studio").await;
    if maker.client.current_url().await.unwrap().path() == "/sign-in" {
        maker.fill("email", "ines@example.com").await;
        maker.fill("password", PASSWORD).await;
        maker.send("/sign-in").await;
        maker.comes_to("/studio").await;
    }

    // They become an uploader and send a file; the page follows its way by itself.
    maker.fill("handle", "ines").await;
    maker.tick("agreement", "yes").await;
    maker.send("/studio/welcome").await;
    maker.until("!document.querySelector('form[action=\"/studio/welcome\"]')").await;
    maker.open("/studio/uploads/new").await;
    let file = shop.app.folder.path().join("copper weather.wav");
    std::fs::write(&file, &wav).unwrap();
    maker.attach("file", &file).await;
    maker.send("/studio/uploads").await;
    maker.comes_to("/studio/uploads/").await;
    maker.press("main a[href$='/edit']").await;
    let edit = maker.comes_to("/studio/tracks/").await;
    let slug = edit.split('/').nth(3).unwrap().to_owned();
    maker.fill("title", "Copper Weather").await;
    maker.fill("description", "Low strings that gather and never quite break.").await;
    maker.choose("genre", "cinematic").await;
    maker.fill("tags", "rain, slow build").await;
    maker.tick("under_age", "no").await;
    maker.fill("price.creator", "29").await;
    maker.press_words("main form.describe", "Save").await;
    maker.until("document.querySelector('.notice')").await;
    maker.open(&edit).await;
    maker.send(&format!("/studio/tracks/{slug}/submission")).await;
    maker.until("document.querySelector('.notice')").await;
    maker.is_quiet().await;

    // A reviewer listens and publishes.
    let reviewer = driver.desk(&shop.app.url).await;
    reviewer.becomes(&shop.app.reviewer().await).await;
    reviewer.open("/admin/review").await;
    reviewer.press(&format!("main a[href='/admin/review/{slug}']")).await;
    reviewer.comes_to(&format!("/admin/review/{slug}")).await;
    reviewer.press("main [data-play]").await;
    reviewer.until(&format!("{AT} > 0.3")).await;
    reviewer.send(&format!("/admin/review/{slug}/publication")).await;
    reviewer.until("document.querySelector('.notice')").await;
    reviewer.is_quiet().await;
    shop.finds(&slug, "Copper Weather").await;

    // A buyer finds it, hears it, and it plays on while they read.
    let buyer = driver.desk(&shop.app.url).await;
    buyer.becomes(&shop.app.buyer("Ada Field").await).await;
    buyer.open("/").await;
    buyer.see(".top input[name=q]").await.send_keys("coper wether\n").await.unwrap();
    buyer.comes_to("/search").await;
    buyer.press(&format!("[data-track={slug}] [data-play]")).await;
    buyer.until(&format!("{AT} > 0.5")).await;
    buyer.client.execute("window.sameDocument = true", vec![]).await.unwrap();
    buyer.press(&format!("[data-track={slug}] a.title")).await;
    buyer.comes_to(&format!("/tracks/{slug}")).await;
    buyer.until("window.sameDocument && document.querySelector('h1').textContent === 'Copper Weather'").await;
    buyer.until("!document.getElementById('sound').paused").await;
    let here = buyer.value(AT).await.as_f64().unwrap();
    buyer.until(&format!("{AT} > {here} + 0.3")).await;
    assert_eq!(buyer.value("document.querySelector('.player').hidden").await, false);

    // It costs what the table says; the payment page takes a test card; the file is the very file.
    buyer.press("form[data-add]:has([name=tier][value=creator]) button").await;
    buyer.until("document.querySelector('[data-basket-count]').textContent.trim() === '1'").await;
    buyer.press(".basket").await;
    buyer.comes_to("/cart").await;
    buyer.press("main a[href='/checkout']").await;
    buyer.comes_to("/checkout").await;
    buyer.fill("licensee", "Ada Field").await;
    buyer.send("/checkout").await;
    buyer.comes_to(&format!("{}/pay/", shop.app.stripe.url)).await;
    for (name, text) in
        [("email", "ada@example.com"), ("card_number", "4242424242424242"), ("exp", "12/34"), ("cvc", "123")]
    {
        buyer.fill(name, text).await;
    }
    buyer.press("main form.card button").await;
    buyer.comes_to("/orders/").await;
    buyer.press("main a[href^='/library']").await;
    buyer.comes_to("/library").await;
    buyer.press("main .files a[href$='.wav']").await;
    let file = buyer.downloaded().await;
    assert!(std::fs::read(&file).unwrap() == wav, "{} has other bytes", file.display());
    buyer.is_quiet().await;
}

/// Without a mouse: search, play on public pages (S3-29), seek, the list of keys, the licence into the basket; and keys that
/// can be off.
#[tokio::test(flavor = "multi_thread")]
async fn a_keyboard_is_enough_and_its_single_keys_can_be_switched_off() {
    let Some(driver) = Driver::start() else { return };
    let mut shop = OpenShop::new().await;
    let mut maker = shop.app.uploader("Ines Morrow").await;
    let first = shop.sells(&mut maker, "Rain on tin", 5).await;
    let second = shop.sells(&mut maker, "Rain on slate", 9).await;

    let visitor = driver.desk(&shop.app.url).await;
    visitor.open("/").await;
    // The first stop leads past everything.
    visitor.keys(&[Key::Tab.into()]).await;
    assert_eq!(visitor.value("document.activeElement.className").await, "skip");
    visitor.keys(&[Key::Enter.into()]).await;
    visitor.until("document.activeElement.id === 'main'").await;
    visitor.keys(&['/']).await;
    visitor.until("document.activeElement.name === 'q'").await;
    // While one types, keys are letters.
    visitor.keys(&['r', 'a', 'i', 'n', ' ', 'j', 'k', 'm', '?']).await;
    assert_eq!(visitor.value("document.activeElement.value").await, "rain jkm?");
    visitor.keys(&[Key::Backspace.into(); 5]).await;
    visitor.keys(&[Key::Enter.into()]).await;
    visitor.comes_to("/search?q=rain").await;
    visitor.until("document.querySelectorAll('main [data-track]').length === 2").await;
    visitor.tabs_to("main [data-play]").await;
    let playing = visitor.value("document.activeElement.closest('[data-track]').dataset.track").await;
    assert!(playing == first.as_str() || playing == second.as_str(), "{playing}");
    visitor.keys(&[Key::Enter.into()]).await;
    visitor.until(&format!("{AT} > 0.3")).await;
    // Space stops and plays, wherever the focus is; J takes the next of the list, K the one before.
    visitor.keys(&[' ']).await;
    visitor.until("document.getElementById('sound').paused").await;
    visitor.keys(&[' ']).await;
    visitor.until("!document.getElementById('sound').paused").await;
    visitor.keys(&['j']).await;
    let at_track = "document.querySelector('main .track.playing').dataset.track";
    visitor.until(&format!("{at_track} !== {playing}")).await;
    visitor.keys(&['k']).await;
    visitor.until(&format!("{at_track} === {playing} && {AT} < 4")).await;
    visitor.keys(&[Key::Right.into()]).await;
    visitor.until(&format!("{AT} >= 5")).await;
    // The slider says where it is in words.
    visitor.tabs_to(".player [role=slider]").await;
    visitor.keys(&[Key::Home.into()]).await;
    visitor.until(&format!("{AT} < 2")).await;
    let words = visitor.value("document.activeElement.getAttribute('aria-valuetext')").await;
    assert!(words.as_str().unwrap().contains(" of 0:24"), "{words}");
    visitor.keys(&['?']).await;
    visitor.until("document.getElementById('keys').open").await;
    visitor.keys(&[Key::Escape.into()]).await;
    visitor.until("!document.getElementById('keys').open").await;
    // A reload keeps the place.
    visitor.keys(&[' ', Key::End.into()]).await;
    visitor.until("document.getElementById('sound').paused").await;
    let left = visitor.value(AT).await.as_f64().unwrap();
    visitor.client.refresh().await.unwrap();
    visitor
        .until(&format!(
            "Math.abs({AT} - {left}) < 1 || document.querySelector('.player .at').textContent !== '0:00'"
        ))
        .await;
    assert_eq!(visitor.value("localStorage.length").await, 0);
    // A licence without a mouse.
    visitor.open(&format!("/tracks/{first}")).await;
    visitor.tabs_to("form[data-add] button").await;
    visitor.keys(&[Key::Enter.into()]).await;
    visitor.until("document.querySelector('[data-basket-count]').textContent.trim() === '1'").await;
    visitor.is_quiet().await;

    // Someone who switched single keys off is left alone by them.
    let quiet = driver.desk(&shop.app.url).await;
    quiet.becomes(&shop.app.buyer("Quiet Hands").await).await;
    quiet.open("/account").await;
    quiet.send("/account/shortcuts").await;
    quiet.until("document.querySelector('[name=shortcuts]').value === 'on'").await;
    quiet.open(&format!("/tracks/{first}")).await;
    quiet.keys(&['/', '?', 'j']).await;
    assert_ne!(quiet.value("document.activeElement.name").await, "q");
    assert_eq!(quiet.value("document.getElementById('keys').open").await, false);
    assert_eq!(quiet.value("document.querySelector('.player').hidden").await, true);
}

/// Listening is counted once it is listening, and a sound that does not come is said.
#[tokio::test(flavor = "multi_thread")]
async fn five_seconds_are_a_play_and_a_broken_sound_says_so() {
    let Some(driver) = Driver::start() else { return };
    let mut shop = OpenShop::new().await;
    let mut maker = shop.app.uploader("Ines Morrow").await;
    let slug = shop.sells(&mut maker, "Rain on tin", 5).await;
    let visitor = driver.desk(&shop.app.url).await;
    visitor.open(&format!("/tracks/{slug}")).await;
    visitor.press(".deck [data-play]").await;
    visitor.until(&format!("{AT} > 5.6")).await;
    let counted = loop {
        let board = maker.get("/studio").await.is(200);
        if board.has("1 play") {
            break board;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    assert!(!counted.has("2 plays"));
    visitor.is_quiet().await;
    // The file is gone from where it lay: the player says so and stays usable.
    visitor.client.execute("document.getElementById('sound').src = '/tracks/gone/sample.mp3'; document.getElementById('sound').play().catch(() => {})", vec![]).await.unwrap();
    visitor
        .until("document.querySelector('.player .trouble').textContent.includes('cannot be played')")
        .await;
    visitor.press(".player [data-act=toggle]").await;
    visitor
        .until(&format!("document.querySelector('.player .trouble').textContent === '' && {AT} > 0.2"))
        .await;
}

/// S1-19: every page there is a link to, as each kind of person, on a desk and on a narrow telephone: no complaint in the
/// console, nothing refused by the policy, nothing to scroll to sideways.
#[tokio::test(flavor = "multi_thread")]
async fn no_page_complains_or_scrolls_sideways() {
    let Some(driver) = Driver::start() else { return };
    let mut shop = OpenShop::new().await;
    let mut maker = shop.app.uploader("Ines Morrow").await;
    let slug =
        shop.sells(&mut maker, "Rain on a tin roof that goes on and on in a title without end", 5).await;
    let mut draft = maker.window();
    draft.upload("/studio/uploads/new", "/studio/uploads", "noise.wav", &song(17)).await;
    let mut buyer = shop.app.buyer("Ada Field").await;
    buyer.send(&format!("/tracks/{slug}"), "/cart", &[("track", &slug), ("tier", "creator")]).await.is(303);
    let reviewer = shop.app.reviewer().await;
    let people = [
        ("a visitor", None),
        ("a buyer", Some(&buyer)),
        ("an uploader", Some(&maker)),
        ("a reviewer", Some(&reviewer)),
    ];
    let mut wrong = vec![];
    for (who, person) in people {
        let desk = driver.desk(&shop.app.url).await;
        let telephone = driver.telephone(&shop.app.url).await;
        if let Some(person) = person {
            desk.becomes(person).await;
            telephone.becomes(person).await;
        }
        let (mut seen, mut left) = (BTreeSet::new(), vec!["/".to_owned(), "/no-such-page".to_owned()]);
        left.extend(
            [
                "/search?q=zzzz",
                "/search?page=400",
                "/studio",
                "/cart",
                "/checkout",
                "/library",
                "/sign-in",
                "/sign-up",
            ]
            .map(str::to_owned),
        );
        while let Some(path) = left.pop() {
            // One of each kind is enough of what is endless.
            let kind: String = path.split('?').next().unwrap_or_default().to_owned();
            let like_it =
                seen.iter().filter(|known: &&String| known.split('?').next() == Some(&kind)).count();
            if like_it >= 3 || !seen.insert(path.clone()) {
                continue;
            }
            desk.open(&path).await;
            let missing = path == "/no-such-page";
            for line in desk.complaints().await {
                if !(missing && line.contains("404")) {
                    wrong.push(format!("{who} at {path}: {line}"));
                }
            }
            telephone.open(&path).await;
            let wide = telephone.value(WIDER).await;
            if wide != serde_json::Value::Null {
                wrong.push(format!("{who} at {path} on a telephone: wider than 320 px by {wide}"));
            }
            let small = telephone.value(SMALL).await;
            if small != serde_json::json!([]) {
                wrong.push(format!("{who} at {path} on a telephone: too small for a finger: {small}"));
            }
            let links = desk.value(LINKS).await;
            left.extend(links.as_array().unwrap().iter().filter_map(|l| l.as_str().map(str::to_owned)));
        }
        assert!(seen.len() > 10, "{who} saw {seen:?}");
        // The player, and what lies over what: a link is hit wherever it is touched.
        telephone.open("/search?q=rain").await;
        telephone.press("[data-track] [data-play]").await;
        telephone.until("!document.getElementById('player').hidden").await;
        for look in [SMALL, HIDDEN] {
            let small = telephone.value(look).await;
            if small != serde_json::json!([]) {
                wrong.push(format!("{who} with the player on a telephone: {small}"));
            }
        }
        desk.client.close().await.unwrap();
        telephone.client.close().await.unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The links of a page that lead to pages.
const LINKS: &str = r"[...document.querySelectorAll('a[href]')].map((a) => new URL(a.href))
    .filter((u) => u.origin === location.origin && !/\.(mp3|pdf|json|xml|svg|wav|zip)$|\/(master|files)(\/|$)|\/(away|payment)$/.test(u.pathname))
    .map((u) => u.pathname + u.search)";

/// What stands out to the right of a narrow page, if anything does.
const WIDER: &str = r"(() => { const w = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= w) return null;
    return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > w + 1)
        .map((e) => e.tagName + '.' + e.className).slice(0, 4).join(' ') || 'something'; })()";

/// Controls a finger would miss: under 44 px one way or the other, but for links within a sentence.
const SMALL: &str = r"[...document.querySelectorAll('main :is(button, summary, select, .go, .plain, .play, .quiet), .top :is(a, summary), .foot :is(a, button), .track .who a, .player :is(a, button, [role=slider])')]
    .filter((e) => { const r = e.getBoundingClientRect(); return r.width > 0 && e.checkVisibility() && !e.closest('.vh, .skip') && getComputedStyle(e).pointerEvents !== 'none' && (r.height < 43.5 || r.width < 24); })
    .map((e) => e.tagName + '.' + e.className + ' ' + Math.round(e.getBoundingClientRect().height) + 'px ' + e.textContent.trim().slice(0, 20)).slice(0, 4)";

/// Links of rows and parts of the player that something else lies over, in the middle or towards an edge.
const HIDDEN: &str = r"[...document.querySelectorAll('.track .who a, .player :is(.title, button, [role=slider], .license)')]
    .filter((e) => e.checkVisibility() && getComputedStyle(e).pointerEvents !== 'none')
    .flatMap((e) => { if (!e.closest('.player')) e.scrollIntoView({ block: 'center', behavior: 'instant' }); const r = e.getBoundingClientRect();
      return [2, r.height / 2, r.height - 12].map((y) => [e, document.elementFromPoint(r.x + r.width / 2, r.y + y)]); })
    .filter(([e, top]) => top !== e && !e.contains(top))
    .map(([e, top]) => e.className + ' under ' + top?.className).slice(0, 4)";

/// Everything is there without script: the browser's own player, forms, menus.
#[tokio::test(flavor = "multi_thread")]
async fn without_script_there_is_the_browsers_own_player() {
    let Some(driver) = Driver::start() else { return };
    let mut shop = OpenShop::new().await;
    let mut maker = shop.app.uploader("Ines Morrow").await;
    let slug = shop.sells(&mut maker, "Rain on tin", 5).await;
    let plain = driver.plain(&shop.app.url).await;
    plain.open("/").await;
    plain.see(".top input[name=q]").await.send_keys("rain\n").await.unwrap();
    plain.comes_to("/search?q=rain").await;
    plain.press(&format!("[data-track={slug}] a.title")).await;
    plain.comes_to(&format!("/tracks/{slug}")).await;
    let audio = plain.see("audio[controls]").await;
    assert!(audio.attr("src").await.unwrap().unwrap().ends_with("/sample.mp3"));
    plain.press("form[action='/cart']:has([value=creator]) button").await;
    plain.comes_to("/cart").await;
}

/// The first page weighs little: everything it needs from us, as it goes over the wire, sounds aside. And nothing moves when
/// pictures and waveforms arrive, there or where sounds are found and heard.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_page_weighs_less_than_sixty_kibibytes() {
    let Some(driver) = Driver::start() else { return };
    let mut shop = OpenShop::new().await;
    let mut maker = shop.app.uploader("Ines Morrow").await;
    let (ines, mut fan) = (maker.user.clone().unwrap(), shop.app.buyer("Ada Field").await);
    // One real picture, for all of them.
    shop.sells(&mut maker, "Rain on tin", 5).await;
    let pictures = async || {
        let all = shop.app.app.storage.list("").await.unwrap();
        all.into_iter().map(|(key, _)| key).filter(|key| key.contains("/artwork")).collect::<Vec<_>>()
    };
    let picture = shop.app.app.storage.bytes(&pictures().await[0]).await.unwrap();
    assert!(picture.len() > 1_200, "{} bytes", picture.len());
    // Six that somebody keeps, then the nine that are newest.
    for n in 0..15 {
        let like = piece(&format!("Rain, take {n}, under the roof"));
        let tags = vec!["rain", "tin roof", "slow build"];
        let shelved = shelve(&shop.app.app, &ines, Piece { tags, ..like }).await;
        let href = shelved.href();
        let bars = noise(n);
        let drawn = move |conn: &mut cuehouse::db::Conn| {
            let its_own = diesel::update(tracks::table.find(&shelved.id)).set(tracks::bars.eq(&bars));
            Ok(its_own.execute(conn)?)
        };
        shop.app.app.db.write(drawn).await.unwrap();
        if n < 6 {
            fan.says(&href, &format!("{href}/favourite"), &[("keep", "yes")]).await.is(303);
        }
    }
    for key in pictures().await {
        shop.app.app.storage.put(&key, picture.clone(), "image/svg+xml").await.unwrap();
    }
    let visitor = driver.desk(&shop.app.url).await;
    let rows = async || {
        visitor.open("/").await;
        visitor.until("document.readyState === 'complete'").await;
        visitor.value("document.querySelectorAll('[data-track]').length").await
    };
    for _ in 0..200 {
        if rows().await == 15 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(rows().await, 15, "the newest, eight below it, and six that are loved");
    // Chromium fetches a picture that is out of sight when it comes near; whoever scrolls through needs all.
    visitor.value("[...document.images].forEach((image) => image.loading = 'eager')").await;
    visitor.until("[...document.images].every((image) => image.complete)").await;
    let all = visitor.value("[...new Set([location.href, document.querySelector('link[rel=icon]').href, ...performance.getEntriesByType('resource').map((e) => e.name), ...[...document.images].map((image) => image.src)])].filter(Boolean)").await;
    let all: Vec<&str> = all.as_array().unwrap().iter().map(|address| address.as_str().unwrap()).collect();
    assert!(all.len() > 20, "{all:?}");
    let mut sizes = vec![];
    for address in all {
        let path = address.strip_prefix(&shop.app.url).expect("nothing comes from elsewhere");
        sizes.push((path, wire_bytes(&shop.app.url, path).await));
    }
    let sum: usize = sizes.iter().map(|(_, bytes)| bytes).sum();
    assert!(sum < 60 * 1024, "{sum} bytes: {sizes:?}");

    visitor.brings(MOVED).await;
    let track = visitor.value("document.querySelector('.track a.title').getAttribute('href')").await;
    for path in ["/", "/search?q=rain", track.as_str().unwrap()] {
        visitor.open(path).await;
        visitor.until("document.readyState === 'complete' && document.querySelector('.wave svg')").await;
        visitor.until("[...document.images].filter((image) => image.checkVisibility() && image.loading !== 'lazy').every((image) => image.complete)").await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let moved = visitor.value("window.moved").await;
        let sum: f64 = moved.as_array().unwrap().iter().map(|shift| shift[0].as_f64().unwrap()).sum();
        assert!(sum < 0.02, "{path}: {moved}");
    }
}

/// Keeps what moved on a page by itself, with what it was.
const MOVED: &str = "window.moved = [];
    new PerformanceObserver((list) => list.getEntries().filter((e) => !e.hadRecentInput)
        .forEach((e) => window.moved.push([e.value, ...e.sources.map((s) => String(s.node?.className))])))
        .observe({ type: 'layout-shift', buffered: true });";

/// Bars of a waveform in hexadecimal, as hard to compress as those of music and unlike any other's.
fn noise(seed: u32) -> String {
    let mut state = seed.wrapping_mul(7_919) | 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        format!("{:02x}", 64 + (state >> 24) % 192)
    };
    (0..200).map(|_| next()).collect()
}

/// How many bytes the shop sends for an address, heads and all, to somebody who takes them packed.
async fn wire_bytes(site: &str, path: &str) -> usize {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let host = site.trim_start_matches("http://");
    let mut line = tokio::net::TcpStream::connect(host).await.unwrap();
    let asks =
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n");
    line.write_all(asks.as_bytes()).await.unwrap();
    let mut all = vec![];
    line.read_to_end(&mut all).await.unwrap();
    assert!(all.starts_with(b"HTTP/1.1 200 "), "{path}: {}", String::from_utf8_lossy(&all));
    all.len()
}

impl OpenShop {
    /// Waits until a search finds what was published.
    async fn finds(&self, slug: &str, title: &str) {
        let words: String = url::form_urlencoded::byte_serialize(title.as_bytes()).collect();
        for _ in 0..1200 {
            let found = self.app.visitor().get(&format!("/search?q={words}")).await.is(200);
            if found.has(&format!("data-track=\"{slug}\"")) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{slug} is not found under {title}")
    }

    /// The link in the newest letter to this address, as soon as it has come.
    async fn letter_to(&self, email: &str) -> String {
        for _ in 0..1200 {
            if let Some(letter) = self.app.letters_to(email).last() {
                let link = letter.text.split_whitespace().find(|word| word.starts_with("http"));
                return link.expect("a link in the letter").to_owned();
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("no letter to {email}")
    }
}

impl Chromium {
    /// Nothing was complained about in the console.
    async fn is_quiet(&self) {
        let mut complaints = self.complaints().await;
        // Chromium may still be fetching the icon of the payment page when ours has come, and asks our policy for it.
        complaints.retain(|line| !line.contains("/favicon.ico' violates"));
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

/// R-RC-4: once its page is there a receipt is checked in the browser, when the shop is gone too.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_checked_in_the_browser_without_a_network() {
    let Some(driver) = Driver::start() else { return };
    let (app, files) = (TestApp::new().await, TestFolder::new());
    let receipts = refusals(&app.app.db, 9, cuehouse::clock::Timestamp::now()).await;
    let mut visitor = app.visitor();
    let file = visitor.get(&format!("/privacy/receipts/{}.json", receipts[5].id)).await.is(200).text();
    let (intact, altered) = (files.path().join("intact.json"), files.path().join("altered.json"));
    std::fs::write(&intact, &file).unwrap();
    std::fs::write(&altered, file.replace("refused", "granted")).unwrap();
    let desk = driver.desk(&app.url).await;
    desk.open(&format!("/privacy/receipts/{}", receipts[5].id)).await;
    desk.press_words("main", "Check a file").await;
    desk.see("form[data-ready]").await;
    drop(app);
    desk.attach("file", &intact).await;
    desk.until("document.querySelector('#found .verdict')?.textContent === 'Intact'").await;
    desk.until("document.querySelector('#found .mono, #found dd:last-child')?.textContent.length > 0").await;
    desk.attach("file", &altered).await;
    desk.until("document.querySelector('#found .verdict')?.textContent === 'Altered'").await;
    assert_eq!(desk.complaints().await, Vec::<String>::new());
}
