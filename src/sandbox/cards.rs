//! Stripe's published test cards and what each of them does. No other card pays here.

/// What happens when someone pays with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Pays,
    /// Pays, and a moment later its owner's bank disputes the payment.
    PaysThenDisputed,
    /// Its bank asks its owner first.
    Challenges,
    Declines(Decline),
}

/// Why a bank does not pay, in Stripe's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decline {
    pub code: &'static str,
    pub decline_code: &'static str,
    pub message: &'static str,
}

/// One test card.
#[derive(Clone, Copy, Debug)]
pub struct Card {
    pub number: &'static str,
    pub brand: &'static str,
    pub country: &'static str,
    pub funding: &'static str,
    pub behaviour: Behaviour,
}

const fn card(number: &'static str, brand: &'static str, behaviour: Behaviour) -> Card {
    Card { number, brand, country: "US", funding: "credit", behaviour }
}

const fn declines(
    number: &'static str,
    code: &'static str,
    decline_code: &'static str,
    message: &'static str,
) -> Card {
    card(number, "visa", Behaviour::Declines(Decline { code, decline_code, message }))
}

/// What a bank says when the person in front of it did not prove who they are.
pub const NOT_PROVEN: Decline = Decline {
    code: "payment_intent_authentication_failure",
    decline_code: "authentication_required",
    message: "We are unable to authenticate your payment method. Please choose a different payment method and \
              try again.",
};

/// The cards of Stripe's testing guide that mean something to a one-time payment.
pub const CARDS: &[Card] = &[
    card("4242424242424242", "visa", Behaviour::Pays),
    Card { funding: "debit", ..card("4000056655665556", "visa", Behaviour::Pays) },
    card("5555555555554444", "mastercard", Behaviour::Pays),
    card("2223003122003222", "mastercard", Behaviour::Pays),
    Card { funding: "debit", ..card("5200828282828210", "mastercard", Behaviour::Pays) },
    card("378282246310005", "amex", Behaviour::Pays),
    card("6011111111111117", "discover", Behaviour::Pays),
    card("3056930009020004", "diners", Behaviour::Pays),
    card("3566002020360505", "jcb", Behaviour::Pays),
    card("6200000000000005", "unionpay", Behaviour::Pays),
    Card { country: "GB", ..card("4000008260000000", "visa", Behaviour::Pays) },
    Card { country: "DE", ..card("4000002760000016", "visa", Behaviour::Pays) },
    Card { country: "FR", ..card("4000002500000003", "visa", Behaviour::Pays) },
    card("4000000000000259", "visa", Behaviour::PaysThenDisputed),
    card("4000002500003155", "visa", Behaviour::Challenges),
    card("4000002760003184", "visa", Behaviour::Challenges),
    card("4000000000003220", "visa", Behaviour::Challenges),
    card("4000000000003063", "visa", Behaviour::Challenges),
    declines("4000000000000002", "card_declined", "generic_decline", "Your card was declined."),
    declines("4000000000009995", "card_declined", "insufficient_funds", "Your card has insufficient funds."),
    declines("4000000000009987", "card_declined", "lost_card", "Your card was declined."),
    declines("4000000000009979", "card_declined", "stolen_card", "Your card was declined."),
    declines("4000000000000069", "expired_card", "expired_card", "Your card has expired."),
    declines("4000000000000127", "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."),
    declines(
        "4000000000000119",
        "processing_error",
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
];

/// The test card of this number.
pub fn find(number: &str) -> Option<&'static Card> {
    CARDS.iter().find(|card| card.number == number)
}

/// Whether the last figure of a card number fits the others (Luhn).
pub fn adds_up(number: &str) -> bool {
    let mut sum = 0;
    for (place, c) in number.chars().rev().enumerate() {
        let Some(digit) = c.to_digit(10) else { return false };
        sum += match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        };
    }
    number.len() >= 12 && sum % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_card_adds_up_and_stands_once() {
        for (place, card) in CARDS.iter().enumerate() {
            assert!(adds_up(card.number), "{}", card.number);
            assert!(CARDS[place + 1..].iter().all(|other| other.number != card.number), "{}", card.number);
        }
        assert!(
            !adds_up("4242424242424241") && !adds_up("") && !adds_up("0") && !adds_up("4242 4242 4242 4242")
        );
    }
}
