//! All words of the pages, in English and Russian.

use crate::domain::mails::Language;

/// The words of one language. Pairs are a title and a sentence; `{}` stands for an account.
pub struct Words {
    pub account: &'static str,
    pub password: &'static str,
    pub activation: &'static str,
    pub activation_line: &'static str,
    pub address_line: &'static str,
    pub activate: &'static str,
    pub disown_hint: &'static str,
    pub disown: &'static str,
    pub withdraw_hint: &'static str,
    pub withdraw: &'static str,
    pub activated: &'static str,
    pub activated_next: &'static str,
    pub disowned: &'static str,
    pub disowned_next: &'static str,
    pub withdrawn: &'static str,
    pub withdrawn_next: &'static str,
    pub password_title: &'static str,
    pub password_line: &'static str,
    pub password_hint: &'static str,
    pub new_password: &'static str,
    pub new_password_again: &'static str,
    pub set_password: &'static str,
    pub password_set: &'static str,
    pub password_set_next: &'static str,
    pub username_title: &'static str,
    pub username_line: &'static str,
    pub new_username: &'static str,
    pub set_username: &'static str,
    pub username_set: &'static str,
    pub username_set_next: &'static str,
    pub dead: (&'static str, &'static str),
    pub stale: (&'static str, &'static str),
    pub foreign: (&'static str, &'static str),
    pub unreadable: (&'static str, &'static str),
    pub busy: (&'static str, &'static str),
    pub broken: (&'static str, &'static str),
    /// Complaints by their codes; `{}` stands for the number in the complaint. What is not here is told in English.
    complaints: &'static [(&'static str, &'static str)],
}

/// The words of a language.
pub fn of(language: Language) -> &'static Words {
    match language {
        Language::En => &ENGLISH,
        Language::Ru => &RUSSIAN,
    }
}

impl Words {
    /// A complaint in these words.
    pub fn complaint(&self, code: &str, message: &str) -> String {
        let Some((_, text)) = self.complaints.iter().find(|(known, _)| *known == code) else {
            return message.to_owned();
        };
        let number: String = message.chars().filter(char::is_ascii_digit).collect();
        text.replace("{}", &number)
    }
}

static ENGLISH: Words = Words {
    account: "Account",
    password: "Password",
    activation: "Activate your account",
    activation_line: "Enter the password that you chose when you registered.",
    address_line: "The address of this account was changed to yours. Enter the account's password to confirm it.",
    activate: "Activate",
    disown_hint: "You did not register here? Then somebody else used your address: this deletes the account.",
    disown: "I did not register",
    withdraw_hint: "This is not your account? This makes the link useless, and the address stays unconfirmed.",
    withdraw: "This is not my account",
    activated: "Your account is active",
    activated_next: "You can sign in as {} now. This page may be closed.",
    disowned: "The account is deleted",
    disowned_next: "Nothing is left of it here, and its password is void. This page may be closed.",
    withdrawn: "The link is void",
    withdrawn_next: "Your address was not confirmed. This page may be closed.",
    password_title: "Set a new password",
    password_line: "You will be signed out everywhere.",
    password_hint: "At least 8 characters. Long and easy to remember is better than short and odd.",
    new_password: "New password",
    new_password_again: "New password again",
    set_password: "Set password",
    password_set: "Your password is set",
    password_set_next: "Sign in with the new password. This page may be closed.",
    username_title: "Set a new username",
    username_line: "Choose the name that you want to sign in by.",
    new_username: "New username",
    set_username: "Set username",
    username_set: "Your username is set",
    username_set_next: "Sign in with the new username. This page may be closed.",
    dead: (
        "This link does not work",
        "It was used before, has expired, or was replaced by a newer one. Use the link of the newest mail, or ask for \
         another where you asked for this one.",
    ),
    stale: ("Your account is active already", "This link was used before. Sign in as usual; this page may be closed."),
    foreign: ("Not sent from this page", "Open the link of the mail again and use the button on its page."),
    unreadable: ("This cannot be read", "Open the link of the mail again and fill in the form of its page."),
    busy: ("Too busy just now", "Nothing was changed. Try again in a moment."),
    broken: ("That did not work", "The fault is not yours. Try again later, or tell whoever runs this server."),
    complaints: &[],
};

static RUSSIAN: Words = Words {
    account: "Учётная запись",
    password: "Пароль",
    activation: "Активация учётной записи",
    activation_line: "Введите пароль, который вы выбрали при регистрации.",
    address_line: "Адрес этой учётной записи изменён на ваш. Чтобы подтвердить его, введите пароль учётной записи.",
    activate: "Активировать",
    disown_hint: "Вы здесь не регистрировались? Значит, ваш адрес указал кто-то другой: эта кнопка удалит учётную запись.",
    disown: "Это был не я",
    withdraw_hint: "Это не ваша учётная запись? Эта кнопка отключит ссылку, а адрес останется неподтверждённым.",
    withdraw: "Это не моя учётная запись",
    activated: "Учётная запись активна",
    activated_next: "Теперь вы можете войти как {}. Эту страницу можно закрыть.",
    disowned: "Учётная запись удалена",
    disowned_next: "Здесь от неё ничего не осталось, и её пароль недействителен. Эту страницу можно закрыть.",
    withdrawn: "Ссылка больше не действует",
    withdrawn_next: "Ваш адрес не подтверждён. Эту страницу можно закрыть.",
    password_title: "Новый пароль",
    password_line: "На всех устройствах будет выполнен выход.",
    password_hint: "Не менее 8 символов. Длинный и легко запоминающийся лучше короткого и замысловатого.",
    new_password: "Новый пароль",
    new_password_again: "Новый пароль ещё раз",
    set_password: "Сохранить пароль",
    password_set: "Пароль изменён",
    password_set_next: "Войдите с новым паролем. Эту страницу можно закрыть.",
    username_title: "Новое имя пользователя",
    username_line: "Выберите имя, под которым хотите входить.",
    new_username: "Новое имя пользователя",
    set_username: "Сохранить имя",
    username_set: "Имя пользователя изменено",
    username_set_next: "Войдите под новым именем. Эту страницу можно закрыть.",
    dead: (
        "Ссылка не действует",
        "Она уже использована, устарела или заменена новой. Откройте ссылку из последнего письма или запросите новую там, \
         где запрашивали эту.",
    ),
    stale: (
        "Учётная запись уже активна",
        "Эта ссылка уже использована. Войдите как обычно; эту страницу можно закрыть.",
    ),
    foreign: ("Отправлено не с этой страницы", "Откройте ссылку из письма ещё раз и нажмите кнопку на её странице."),
    unreadable: ("Запрос не удалось прочитать", "Откройте ссылку из письма ещё раз и заполните форму на её странице."),
    busy: ("Сервер занят", "Ничего не изменено. Попробуйте ещё раз чуть позже."),
    broken: ("Не получилось", "Это не ваша ошибка. Попробуйте позже или сообщите тому, кто отвечает за этот сервер."),
    complaints: &[
        ("blank", "Это поле не может быть пустым."),
        ("max_length", "Не более {} символов."),
        ("null_characters_not_allowed", "Нулевые символы не допускаются."),
        ("password_mismatch", "Пароли не совпадают."),
        ("password_too_similar", "Пароль слишком похож на данные вашей учётной записи."),
        ("password_too_short", "Пароль слишком короткий. Он должен содержать не менее {} символов."),
        ("password_too_common", "Этот пароль слишком распространён."),
        ("password_entirely_numeric", "Пароль не может состоять только из цифр."),
        ("unique", "Это имя пользователя уже занято."),
        ("invalid", "Введённое значение не подходит."),
        ("conflict", "Так изменить учётную запись нельзя."),
    ],
};
