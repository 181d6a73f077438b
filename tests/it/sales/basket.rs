use cuehouse::error::Error;
use cuehouse::ids::UserId;
use cuehouse::money::Cents;
use cuehouse::sales::basket::{self, Basket, LINES_MAX, Owner, Standing};
use cuehouse::sales::order::State;

use crate::support::database::TestDb;
use crate::support::shop::{NOW, Shop};

const PRICES: &[(&str, i64)] = &[("creator", 2_900), ("business", 7_900), ("listen", 0)];

async fn basket_of(shop: &Shop, owner: &Owner) -> Basket {
    let owner = owner.clone();
    shop.db.read(move |conn| Basket::of(conn, &owner, "usd")).await.unwrap()
}

fn lines(basket: &Basket) -> Vec<(&str, &str, i64)> {
    basket.lines.iter().map(|l| (l.title.as_str(), l.tier.as_str(), l.price.0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_basket_holds_offers_of_several_uploaders_and_survives_signing_in() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let (ines, tomas) = (shop.person("Ines").await, shop.person("Tomas").await);
    let (_, rain) = shop.track(&ines, "Rain on tin", PRICES).await;
    let (_, copper) = shop.track(&tomas, "Copper weather", PRICES).await;
    let browser = Owner::browser("a token of a cookie");
    shop.puts(&browser, &[(&rain, "creator"), (&copper, "business"), (&rain, "creator")]).await;
    let basket = basket_of(&shop, &browser).await;
    assert_eq!(lines(&basket), [("Rain on tin", "creator", 2_900), ("Copper weather", "business", 7_900)]);
    assert_eq!(basket.total(), Cents(10_800));
    assert!(!basket.has_changed());

    let buyer = shop.person("Ada").await;
    let account = Owner::Account(buyer.clone());
    shop.puts(&account, &[(&rain, "creator"), (&rain, "listen")]).await;
    for _ in 0..2 {
        let (browser, buyer) = (browser.clone(), buyer.clone());
        shop.db.write(move |conn| basket::merge(conn, &browser, &buyer, NOW)).await.unwrap();
    }
    let mut merged = basket_of(&shop, &account).await;
    merged.lines.sort_by_key(|l| (l.title.clone(), l.tier.clone()));
    assert_eq!(
        lines(&merged),
        [
            ("Copper weather", "business", 7_900),
            ("Rain on tin", "creator", 2_900),
            ("Rain on tin", "listen", 0)
        ]
    );
    assert!(basket_of(&shop, &browser).await.lines.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_changed_its_price_or_went_off_sale_says_so() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let ines = shop.person("Ines").await;
    let (rain_id, rain) = shop.track(&ines, "Rain on tin", PRICES).await;
    let (_, copper) = shop.track(&ines, "Copper weather", PRICES).await;
    let owner = Owner::browser("token");
    shop.puts(&owner, &[(&rain, "creator"), (&rain, "business"), (&copper, "creator")]).await;
    let before = basket_of(&shop, &owner).await.seal();

    shop.reprice(&rain_id, &[("creator", 3_900)]).await;
    let basket = basket_of(&shop, &owner).await;
    let standings: Vec<Standing> = basket.lines.iter().map(|l| l.standing).collect();
    assert!(standings.contains(&Standing::Changed { was: Cents(2_900) }));
    assert!(standings.contains(&Standing::Gone) && standings.contains(&Standing::Same));
    assert!(basket.has_changed());
    assert_ne!(basket.seal(), before);
    assert_eq!(basket.total(), Cents(3_900 + 2_900), "what is gone costs nothing");

    let told = owner.clone();
    shop.db.write(move |conn| basket::told(conn, &told, "usd")).await.unwrap();
    let after = basket_of(&shop, &owner).await;
    assert!(!after.has_changed());
    assert_eq!((after.lines.len(), after.total(), after.seal()), (2, basket.total(), basket.seal()));

    // In a shop of another currency these are no prices, whatever their figures.
    let (mine, there) = (owner.clone(), owner.clone());
    let abroad = shop.db.read(move |conn| Basket::of(conn, &mine, "eur")).await.unwrap();
    assert!(abroad.lines.iter().all(|line| line.standing == Standing::Unpriced && !line.is_sold()));
    assert_eq!((abroad.lines.len(), abroad.total()), (2, Cents::ZERO));
    let put = move |conn: &mut cuehouse::db::Conn| basket::put(conn, &there, &copper, "business", "eur", NOW);
    assert!(
        matches!(shop.db.write(put).await, Err(Error::Refused(why)) if why.contains("set its price anew"))
    );
    let told = owner.clone();
    shop.db.write(move |conn| basket::told(conn, &told, "eur")).await.unwrap();
    assert!(basket_of(&shop, &owner).await.lines.is_empty());
    // The same figures in two currencies are two answers.
    let sealed = |currency: &str| Basket { lines: after.lines.clone(), currency: currency.into() }.seal();
    assert_ne!(sealed("usd"), sealed("eur"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_on_sale_cannot_be_put_into_a_basket() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let ines = shop.person("Ines").await;
    let (id, rain) = shop.track(&ines, "Rain on tin", &[("creator", 2_900), ("exclusive", 900_000)]).await;
    let put = |tier: &str| {
        let (slug, tier, db) = (rain.clone(), tier.to_owned(), shop.db.clone());
        async move {
            db.write(move |conn| basket::put(conn, &Owner::browser("t"), &slug, &tier, "usd", NOW)).await
        }
    };
    assert!(matches!(put("business").await, Err(Error::NotFound)), "no such offer");
    assert!(matches!(put("exclusive").await, Err(Error::Refused(_))), "on request");
    assert!(put("creator").await.unwrap());
    assert!(!put("creator").await.unwrap(), "it is in there already");
    let by = ines.clone();
    shop.db
        .write(move |conn| cuehouse::catalogue::track::Track::find(conn, &id)?.withdraw(conn, &by, NOW))
        .await
        .unwrap();
    assert!(matches!(put("creator").await, Err(Error::NotFound)), "withdrawn");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_basket_has_a_limit_that_a_person_can_read() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let ines = shop.person("Ines").await;
    let owner = Owner::browser("t");
    let (_, first) = shop.track(&ines, "Track", PRICES).await;
    shop.puts(&owner, &[(&first, "creator")]).await;
    for n in 1..LINES_MAX {
        let (_, slug) = shop.track(&ines, &format!("Track {n}"), PRICES).await;
        shop.puts(&owner, &[(&slug, "creator")]).await;
    }
    let (_, slug) = shop.track(&ines, "One too many", PRICES).await;
    let one_more = owner.clone();
    let refused = shop.db.write(move |conn| basket::put(conn, &one_more, &slug, "creator", "usd", NOW)).await;
    assert!(matches!(refused, Err(Error::Refused(why)) if why.contains("50")));
    assert_eq!(basket_of(&shop, &owner).await.lines.len(), LINES_MAX);

    // Signing in with it: what finds no room is counted, what both have takes none.
    let buyer = shop.person("Ada").await;
    let account = Owner::Account(buyer.clone());
    shop.puts(&account, &[(&first, "creator"), (&first, "business")]).await;
    let outside = shop.db.write(move |conn| basket::merge(conn, &owner, &buyer, NOW)).await.unwrap();
    assert_eq!((outside, basket_of(&shop, &account).await.lines.len()), (1, LINES_MAX));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_checkout_clicked_twice_or_ten_times_at_once_is_one_order() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let ines = shop.person("Ines").await;
    let buyer = shop.person("Ada").await;
    let (id, rain) = shop.track(&ines, "Rain on tin", PRICES).await;
    shop.puts(&Owner::Account(buyer.clone()), &[(&rain, "creator"), (&rain, "business")]).await;
    let clicks = futures::future::join_all((0..10).map(|_| shop.orders(&buyer))).await;
    let mut ids: Vec<_> = clicks.into_iter().map(|order| order.unwrap().id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let order = shop.order(&ids[0]).await;
    assert_eq!((order.state, order.total_cents), (State::Open, Cents(10_800)));

    // Another price is another order.
    shop.reprice(&id, &[("creator", 3_000), ("business", 7_900)]).await;
    assert_ne!(shop.orders(&buyer).await.unwrap().id, order.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_freezes_price_share_and_terms_as_licences_section_4_has_them() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let ines = shop.person("Ines").await;
    let buyer = shop.person("Ada").await;
    let (id, rain) = shop.track(&ines, "Rain on tin", &[("business", 7_110)]).await;
    shop.puts(&Owner::Account(buyer.clone()), &[(&rain, "business")]).await;
    let order = shop.orders(&buyer).await.unwrap();
    let line = lines_of(&shop, &order.id).await.remove(0);
    assert_eq!(
        (line.price_cents, line.share_bps, line.uploader_cents, line.platform_cents),
        (Cents(7_110), 3_500, Cents(2_489), Cents(4_621))
    );
    assert_eq!((line.title.as_str(), line.uploader_name.as_str()), ("Rain on tin", "Ines"));
    assert_eq!((line.track_id, line.uploader_id), (id.clone(), ines));
    shop.reprice(&id, &[("business", 9_000)]).await;
    assert_eq!(lines_of(&shop, &order.id).await[0].price_cents, Cents(7_110));
}

async fn lines_of(shop: &Shop, order: &cuehouse::ids::OrderId) -> Vec<cuehouse::sales::order::Line> {
    let order = shop.order(order).await;
    shop.db.read(move |conn| order.lines(conn)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_basket_makes_no_order() {
    let test = TestDb::new().await;
    let shop = Shop::new(&test.db).await;
    let buyer: UserId = shop.person("Ada").await;
    assert!(matches!(shop.orders(&buyer).await, Err(Error::Refused(_))));
}
