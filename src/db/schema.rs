//! The tables, as Diesel knows them. Times are milliseconds (BigInt), ids text, enums text with a `CHECK`.

diesel::table! {
    users (id) {
        id -> Text,
        email -> Text,
        email_folded -> Text,
        name -> Text,
        password_hash -> Text,
        handle -> Nullable<Text>,
        handle_changed_at -> Nullable<BigInt>,
        about -> Text,
        picture -> Nullable<Text>,
        shortcuts -> Bool,
        created_at -> BigInt,
        confirmed_at -> Nullable<BigInt>,
        disabled_at -> Nullable<BigInt>,
        band -> Text,
        hold -> Nullable<Text>,
        country -> Nullable<Text>,
    }
}

diesel::table! {
    user_links (user_id, position) {
        user_id -> Text,
        position -> Integer,
        label -> Text,
        url -> Text,
    }
}

diesel::table! {
    roles (user_id, role) {
        user_id -> Text,
        role -> Text,
        granted_at -> BigInt,
    }
}

diesel::table! {
    agreements (user_id, version) {
        user_id -> Text,
        version -> Text,
        accepted_at -> BigInt,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        token_hash -> Text,
        user_id -> Text,
        created_at -> BigInt,
        seen_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    mail_tokens (token_hash) {
        token_hash -> Text,
        user_id -> Text,
        purpose -> Text,
        new_email -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    uploads (id) {
        id -> Text,
        uploader_id -> Text,
        filename -> Text,
        bytes -> BigInt,
        file_sha256 -> Text,
        master_key -> Text,
        state -> Text,
        reason -> Nullable<Text>,
        twin_of -> Nullable<Text>,
        twin_kind -> Nullable<Text>,
        created_at -> BigInt,
        changed_at -> BigInt,
    }
}

diesel::table! {
    recordings (upload_id) {
        upload_id -> Text,
        container -> Text,
        codec -> Text,
        frames -> BigInt,
        duration_ms -> BigInt,
        sample_rate -> Integer,
        channels -> Integer,
        bits -> Nullable<Integer>,
        loudness_lufs -> Nullable<Double>,
        loudness_range -> Nullable<Double>,
        true_peak_dbtp -> Nullable<Double>,
        samples_sha256 -> Text,
        bpm -> Nullable<Double>,
        bpm_sure -> Double,
        musical_key -> Nullable<Text>,
        key_sure -> Double,
        bars -> Text,
        peaks_key -> Text,
        artwork_key -> Text,
        preview_key -> Text,
        preview_bytes -> BigInt,
        sample_key -> Text,
        sample_bytes -> BigInt,
        sample_start_ms -> BigInt,
        fingerprint_key -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::table! {
    tracks (id) {
        id -> Text,
        slug -> Text,
        uploader_id -> Text,
        upload_id -> Text,
        title -> Text,
        description -> Text,
        kind -> Text,
        genre -> Nullable<Text>,
        vocals -> Text,
        moods -> Text,
        instruments -> Text,
        tags -> Text,
        bpm -> Nullable<Double>,
        musical_key -> Nullable<Text>,
        duration_ms -> BigInt,
        sample_start_ms -> BigInt,
        bars -> Text,
        price_from -> Nullable<BigInt>,
        state -> Text,
        created_at -> BigInt,
        changed_at -> BigInt,
        published_at -> Nullable<BigInt>,
        licensed -> BigInt,
        kept -> BigInt,
    }
}

diesel::table! {
    track_events (id) {
        id -> BigInt,
        track_id -> Text,
        kind -> Text,
        by_user -> Text,
        reason -> Nullable<Text>,
        at -> BigInt,
    }
}

diesel::table! {
    offers (id) {
        id -> Text,
        track_id -> Text,
        tier -> Text,
        price_cents -> BigInt,
        currency -> Text,
    }
}

diesel::table! {
    track_days (track_id, day) {
        track_id -> Text,
        day -> Text,
        plays -> BigInt,
        basket_adds -> BigInt,
    }
}

diesel::table! {
    favourites (user_id, track_id) {
        user_id -> Text,
        track_id -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    tier_versions (terms_hash) {
        terms_hash -> Text,
        slug -> Text,
        number -> Integer,
        name -> Text,
        tier -> Text,
        terms -> Text,
        position -> Integer,
        created_at -> BigInt,
    }
}

diesel::table! {
    tier_editions (slug, number) {
        slug -> Text,
        number -> Integer,
        terms_hash -> Text,
        tier -> Text,
        refund_days -> BigInt,
        created_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    baskets (id) {
        id -> Text,
        token_hash -> Nullable<Text>,
        user_id -> Nullable<Text>,
        created_at -> BigInt,
        changed_at -> BigInt,
    }
}

diesel::table! {
    basket_lines (basket_id, track_id, tier) {
        basket_id -> Text,
        track_id -> Text,
        tier -> Text,
        price_cents -> BigInt,
        added_at -> BigInt,
    }
}

diesel::table! {
    orders (id) {
        id -> Text,
        buyer_id -> Text,
        state -> Text,
        licensee -> Text,
        company -> Text,
        country -> Text,
        currency -> Text,
        total_cents -> BigInt,
        territories -> Text,
        refund_rule -> Text,
        fingerprint -> Text,
        try_number -> Integer,
        session_expires_at -> BigInt,
        stripe_session -> Nullable<Text>,
        stripe_url -> Nullable<Text>,
        payment_intent -> Nullable<Text>,
        note -> Nullable<Text>,
        created_at -> BigInt,
        paid_at -> Nullable<BigInt>,
        changed_at -> BigInt,
        project -> Text,
    }
}

diesel::table! {
    order_lines (id) {
        id -> Text,
        order_id -> Text,
        position -> Integer,
        track_id -> Text,
        upload_id -> Text,
        uploader_id -> Text,
        title -> Text,
        uploader_name -> Text,
        tier -> Text,
        terms_hash -> Text,
        price_cents -> BigInt,
        share_bps -> BigInt,
        uploader_cents -> BigInt,
        platform_cents -> BigInt,
    }
}

diesel::table! {
    licences (id) {
        id -> Text,
        number -> Text,
        order_line_id -> Text,
        buyer_id -> Text,
        track_id -> Text,
        tier -> Text,
        terms_hash -> Text,
        credential -> Text,
        status_index -> BigInt,
        issued_at -> BigInt,
    }
}

diesel::table! {
    revocations (licence_id) {
        licence_id -> Text,
        reason -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    namings (licence_id) {
        licence_id -> Text,
        territories -> Text,
        credential -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    suspensions (licence_id, dispute) {
        licence_id -> Text,
        dispute -> Text,
        at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    deliveries (licence_id, kind) {
        licence_id -> Text,
        kind -> Text,
        storage_key -> Text,
        bytes -> BigInt,
        sha256 -> Text,
        note -> Text,
        made_at -> BigInt,
    }
}

diesel::table! {
    stripe_events (id) {
        id -> Text,
        kind -> Text,
        order_id -> Nullable<Text>,
        session -> Nullable<Text>,
        payment_intent -> Nullable<Text>,
        body -> Text,
        problem -> Nullable<Text>,
        happened_at -> BigInt,
        received_at -> BigInt,
    }
}

diesel::table! {
    journals (id) {
        id -> Text,
        order_id -> Text,
        kind -> Text,
        upto_cents -> BigInt,
        at -> BigInt,
    }
}

diesel::table! {
    entries (journal_id, position) {
        journal_id -> Text,
        position -> Integer,
        account -> Text,
        user_id -> Nullable<Text>,
        order_line_id -> Nullable<Text>,
        amount_cents -> BigInt,
        currency -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    invoices (year, running) {
        year -> Integer,
        running -> Integer,
        kind -> Text,
        order_id -> Text,
        seller -> Text,
        seller_country -> Text,
        issued_at -> BigInt,
    }
}

diesel::table! {
    issuer_keys (id) {
        id -> Text,
        public_key -> Text,
        created_at -> BigInt,
        retired_at -> Nullable<BigInt>,
        did -> Text,
    }
}

diesel::table! {
    jobs (id) {
        id -> Text,
        kind -> Text,
        payload -> Text,
        once_key -> Nullable<Text>,
        state -> Text,
        priority -> Integer,
        due_at -> BigInt,
        fence -> BigInt,
        runs -> Integer,
        lease_until -> Nullable<BigInt>,
        owner -> Nullable<Text>,
        problem -> Nullable<Text>,
        created_at -> BigInt,
        done_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    changes (seq) {
        seq -> BigInt,
        track_id -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    marks (name) {
        name -> Text,
        value -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    consent_log (seq) {
        seq -> BigInt,
        leaf -> Text,
        chain -> Text,
        kind -> Text,
        day -> Text,
    }
}

diesel::table! {
    consent_nodes (place) {
        place -> BigInt,
        hash -> Text,
    }
}

diesel::table! {
    consent_heads (size, at) {
        size -> BigInt,
        root -> Text,
        chain_head -> Text,
        at -> BigInt,
        key_id -> Text,
        sig -> Text,
    }
}

diesel::table! {
    consent_notices (hash) {
        hash -> Text,
        version -> Text,
        language -> Text,
        text -> Text,
    }
}

diesel::table! {
    consent_receipts (id) {
        id -> Text,
        seq -> BigInt,
        salt -> Text,
        body -> Text,
        account -> Nullable<Text>,
        expires_at -> BigInt,
        word -> Nullable<Text>,
        word_from -> Nullable<Text>,
        word_to -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    users,
    user_links,
    roles,
    agreements,
    sessions,
    mail_tokens,
    uploads,
    recordings,
    tracks,
    track_events,
    offers,
    track_days,
    favourites,
    tier_versions,
    tier_editions,
    baskets,
    basket_lines,
    orders,
    order_lines,
    licences,
    revocations,
    suspensions,
    deliveries,
    stripe_events,
    journals,
    entries,
    invoices,
    issuer_keys,
    jobs,
    changes,
    marks,
    consent_log,
    consent_nodes,
    consent_heads,
    consent_notices,
    consent_receipts,
    wards,
    guardians,
    permissions,
    age_signals,
    shown_ages
);

diesel::table! {
    account_choices (user_id) {
        user_id -> Text,
        line -> Text,
        changed_at -> BigInt,
    }
}

diesel::table! {
    ad_free (user_id) {
        user_id -> Text,
        wanted -> Bool,
        granted_by -> Text,
        granted_at -> BigInt,
        ends_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    policy_reports (day, directive, host, page) {
        day -> Text,
        directive -> Text,
        host -> Text,
        page -> Text,
        count -> BigInt,
    }
}

diesel::table! {
    self_checks (id) {
        id -> Text,
        began_at -> BigInt,
        ended_at -> BigInt,
        faults -> Text,
        told -> Bool,
    }
}

diesel::table! {
    ad_campaigns (id) {
        id -> Text,
        advertiser -> Text,
        headline -> Text,
        words -> Text,
        target -> Text,
        topics -> Text,
        pages -> Text,
        about -> Text,
        audience -> Text,
        starts_at -> BigInt,
        ends_at -> Nullable<BigInt>,
        most_a_day -> Nullable<Integer>,
        most_shown -> Nullable<BigInt>,
    }
}

diesel::table! {
    ad_campaign_events (id) {
        id -> BigInt,
        campaign_id -> Text,
        kind -> Text,
        by_user -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    ad_days (campaign_id, day) {
        campaign_id -> Text,
        day -> Text,
        shown -> BigInt,
        followed -> BigInt,
    }
}

diesel::table! {
    partner_days (vendor, day, placement) {
        vendor -> Text,
        day -> Text,
        placement -> Text,
        impressions -> BigInt,
        clicks -> BigInt,
        revenue_cents -> BigInt,
        filed_by -> Text,
        filed_at -> BigInt,
    }
}

diesel::table! {
    ad_wishes (user_id) {
        user_id -> Text,
        line -> Text,
        changed_at -> BigInt,
    }
}

diesel::table! {
    ad_free_events (id) {
        id -> BigInt,
        user_id -> Text,
        kind -> Text,
        ends_at -> Nullable<BigInt>,
        by_user -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    child_pages (id) {
        id -> BigInt,
        path -> Text,
        marked -> Bool,
        by_user -> Text,
        at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(sessions, ad_free);
diesel::allow_tables_to_appear_in_same_query!(sessions, ad_wishes);
diesel::allow_tables_to_appear_in_same_query!(users, ad_free);
diesel::allow_tables_to_appear_in_same_query!(users, ad_wishes);
diesel::allow_tables_to_appear_in_same_query!(ad_free, ad_wishes);
diesel::allow_tables_to_appear_in_same_query!(users, ad_free_events);
diesel::allow_tables_to_appear_in_same_query!(users, ad_campaign_events);

diesel::table! {
    age_answers (id) {
        id -> BigInt,
        account -> Text,
        band -> Text,
        next_band_month -> Nullable<Text>,
        site_profile -> Text,
        place -> Nullable<Text>,
        at -> BigInt,
    }
}

diesel::table! {
    provider_checks (id) {
        id -> Text,
        about -> Text,
        account -> Nullable<Text>,
        ward -> Nullable<Text>,
        method -> Nullable<Text>,
        provider_ref -> Text,
        address -> Text,
        asked_at -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    age_signals (id) {
        id -> BigInt,
        account -> Text,
        source -> Text,
        bracket -> Text,
        by_user -> Nullable<Text>,
        at -> BigInt,
        settled_at -> Nullable<BigInt>,
        settled_by -> Nullable<Text>,
    }
}

diesel::table! {
    wards (id) {
        id -> Text,
        state -> Text,
        name -> Text,
        handle -> Text,
        account -> Nullable<Text>,
        band -> Text,
        next_band_month -> Nullable<Text>,
        site_profile -> Text,
        place -> Nullable<Text>,
        claim_hash -> Nullable<Text>,
        since -> BigInt,
        due_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    guardians (id) {
        id -> Text,
        ward -> Text,
        email -> Text,
        email_folded -> Text,
        name -> Text,
        relationship -> Text,
        notice_hash -> Text,
        asked_at -> BigInt,
        answered_at -> Nullable<BigInt>,
        confirmed_at -> Nullable<BigInt>,
        reminded_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    permissions (id) {
        id -> Text,
        ward -> Text,
        scope -> Text,
        method -> Nullable<Text>,
        form_hash -> Text,
        asked_at -> BigInt,
        granted_at -> Nullable<BigInt>,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
        reach -> Nullable<Text>,
    }
}

diesel::table! {
    disclosure_consents (permission, recipient) {
        permission -> Text,
        recipient -> Text,
        purpose -> Text,
    }
}

diesel::table! {
    verifications (id) {
        id -> Text,
        ward -> Text,
        method -> Text,
        reference -> Nullable<Text>,
        result -> Text,
        first_reviewer -> Nullable<Text>,
        second_reviewer -> Nullable<Text>,
        payment -> Nullable<Text>,
        refunded_at -> Nullable<BigInt>,
        asked_at -> BigInt,
        at -> Nullable<BigInt>,
    }
}

diesel::table! {
    ward_forms (id) {
        id -> Text,
        ward -> Text,
        document -> Text,
        signed_at -> BigInt,
    }
}

diesel::table! {
    guardian_links (token_hash) {
        token_hash -> Text,
        ward -> Text,
        purpose -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    guardian_texts (id) {
        id -> Text,
        ward -> Text,
        number -> Nullable<Text>,
        tries -> Integer,
        asked_at -> BigInt,
        ends_at -> BigInt,
        sent_at -> Nullable<BigInt>,
        failed_at -> Nullable<BigInt>,
        proved_at -> Nullable<BigInt>,
        answered_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    ward_steps (id) {
        id -> BigInt,
        ward -> Text,
        edge -> Text,
        came_from -> Text,
        went_to -> Text,
        receipt -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    payout_holds (account) {
        account -> Text,
        since -> BigInt,
        ended_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    shown_ages (account) {
        account -> Text,
        since -> BigInt,
    }
}

diesel::table! {
    young_voices (id) {
        id -> BigInt,
        track -> Text,
        heard -> Bool,
        release -> Nullable<Text>,
        by_user -> Text,
        at -> BigInt,
    }
}

diesel::table! {
    security_reviews (id) {
        id -> Text,
        coordinator -> Text,
        looked_at -> Text,
        found -> Text,
        by_user -> Text,
        at -> BigInt,
        due_at -> BigInt,
    }
}

diesel::table! {
    former_handles (handle_hash) {
        handle_hash -> Text,
        account -> Nullable<Text>,
        left_at -> BigInt,
    }
}

diesel::table! {
    sampled_words (word, upload_id) {
        word -> BigInt,
        upload_id -> Text,
    }
}

diesel::table! {
    resemblances (upload_id, other_id) {
        upload_id -> Text,
        other_id -> Text,
        kind -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(recordings, sampled_words);
diesel::allow_tables_to_appear_in_same_query!(uploads, resemblances);
diesel::joinable!(tracks -> users (uploader_id));
diesel::joinable!(recordings -> uploads (upload_id));
diesel::joinable!(offers -> tracks (track_id));
diesel::joinable!(tier_editions -> tier_versions (terms_hash));
diesel::joinable!(order_lines -> orders (order_id));
diesel::joinable!(licences -> order_lines (order_line_id));
diesel::joinable!(revocations -> licences (licence_id));
diesel::joinable!(suspensions -> licences (licence_id));
diesel::joinable!(basket_lines -> tracks (track_id));
diesel::joinable!(order_lines -> tracks (track_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(basket_lines -> baskets (basket_id));
diesel::joinable!(entries -> journals (journal_id));
diesel::joinable!(consent_receipts -> consent_log (seq));
diesel::joinable!(guardians -> wards (ward));
diesel::joinable!(permissions -> wards (ward));

diesel::table! {
    disclosures (day, recipient, purpose, categories, basis, receipt_seq) {
        day -> Text,
        recipient -> Text,
        purpose -> Text,
        categories -> Text,
        basis -> Text,
        receipt_seq -> BigInt,
        count -> BigInt,
    }
}

diesel::table! {
    inquiries (id) {
        id -> Text,
        way -> Text,
        name -> Text,
        address -> Text,
        person -> Text,
        asked_in -> Integer,
        received_at -> BigInt,
        due_at -> BigInt,
        entered_by -> Text,
        entered_at -> BigInt,
    }
}

diesel::table! {
    inquiry_answers (inquiry_id) {
        inquiry_id -> Text,
        kind -> Text,
        body -> Text,
        answered_by -> Text,
        answered_at -> BigInt,
    }
}

diesel::joinable!(inquiry_answers -> inquiries (inquiry_id));
diesel::allow_tables_to_appear_in_same_query!(inquiries, inquiry_answers);

diesel::table! {
    vendor_lists (address) {
        address -> Text,
        version -> Integer,
        body -> Text,
        fetched_at -> BigInt,
        fresh_until -> BigInt,
        etag -> Nullable<Text>,
        last_modified -> Nullable<Text>,
    }
}

diesel::table! {
    account_letters (user_id, topic) {
        user_id -> Text,
        topic -> Text,
        wanted -> Bool,
        decided_at -> BigInt,
    }
}

diesel::table! {
    letter_days (day, letter, what) {
        day -> Text,
        letter -> Text,
        what -> Text,
        count -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(users, account_letters);
