# Русский. Ключи те же, что в остальных языках; проверяет `npm test`.
product = webclass · веб-класс
language = Язык
loading = Загружается…
close = Закрыть
cancel = Отмена
code = код: { $code }
try-again = Попробовать ещё раз
to-start = На первую страницу

# Роли
role-teacher = Учитель
role-co_teacher = Второй учитель
role-class = Класс
role-viewer = Зритель

# Вход администратора
sign-in-title = Вход для администратора
sign-in-hint = Учителю, классу и зрителю вход не нужен: откройте присланную ссылку на урок.
sign-in = Войти
sign-out = Выйти
user-name = Имя
password = Пароль
sign-in-link-spent = Ссылка для входа больше не действует
sign-in-link-spent-hint = Она открывается один раз и в течение часа. Новую покажет команда «webclass admin link» на сервере.
password-set-title = Вы вошли. Задайте пароль
password-set-hint = С этим именем и паролем вы будете входить дальше.
password-new = Новый пароль
password-new-hint = Не короче { $count } знаков. Длинная фраза надёжнее сложного слова.
password-save = Сохранить
password-later = Позже, к урокам

# Уроки
lessons = Уроки
lessons-empty = Здесь будут ваши уроки. Напишите тему и создайте первый: сразу появятся ссылки для учителя, классов и зрителей.
lesson-title = Тема урока
lesson-title-hint = Например: «Физика, 10 класс. Волны»
lesson-kind = Вид
kind-full = Урок целиком
kind-partial = Частичная трансляция
lesson-create = Создать урок
lesson-waiting = Ещё не начался
lesson-live = Идёт урок
lesson-ended = Окончен
lesson-begin = Начать урок
lesson-end = Закончить урок
begin-silent-title = Начать без микрофона?
begin-silent-text = Микрофон ещё не подключён: классы вас не услышат, пока вы не выберете его в «Устройствах».
end-title = Закончить урок для всех?
end-text = Все классы и зрители выйдут из урока. Начать этот урок снова нельзя.

# Ссылки
links = Ссылки
links-of = Ссылки: { $title }
link-open-here = Открыть на этом компьютере
links-hint = Кто открыл ссылку, тот и входит в урок. Передавайте каждую только тем, для кого она.
links-empty = Ссылок пока нет. Создайте первую ниже.
link-for-teacher = Для учителя
link-for-co_teacher = Для второго учителя
link-for-class = Для класса
link-for-viewer = Для зрителей
link-valid-until = действует до { $when }
link-new = Новая ссылка
link-validity = Ссылки действуют
link-place = Школа, если известна
link-place-hint = Компьютеры одной школы делят её канал поровну.
link-make = Создать ссылку
link-revoke = Отозвать
link-revoke-title = Отозвать ссылку?
link-revoke-text = Ссылка перестанет открываться. Кто вошёл по ней, сразу выйдет из урока.
hours-or-days =
    { $days ->
        [0] { $hours ->
            [one] { $hours } час
            [few] { $hours } часа
           *[other] { $hours } часов
        }
        [one] { $days } день
        [few] { $days } дня
       *[other] { $days } дней
    }
copy = Скопировать
copied = Скопировано

# Перед уроком
entry-teacher = Вы ведёте урок
entry-co_teacher = Вы помогаете вести урок
entry-class = Ваш класс идёт на урок
entry-viewer = Вы смотрите урок
name-teacher = Как вас представить
name-teacher-hint = Например: Анна Петровна
name-co_teacher = Как вас представить
name-co_teacher-hint = Например: Анна Петровна
name-class = Название класса
name-class-hint = Например: Хандыга СОШ, 10 А
name-viewer = Ваше имя, если хотите
name-viewer-hint = Его увидят только учителя.
enter = Войти в урок
enter-again = Войти снова
entry-promise-teacher = Вас увидят и услышат только после кнопки «Начать урок».
entry-promise-class = Вас увидят и услышат, только когда учитель даст слово и вы согласитесь.
entering = Входим в урок
entering-hint = Это займёт несколько секунд.

# Устройства
devices = Устройства
device-camera = Камера
device-microphone = Микрофон
device-camera-number = Камера { $number }
device-microphone-number = Микрофон { $number }
preview = Ваша камера
preview-wait = Ждём камеру. Если браузер спросит, разрешите её.
preview-none = Камеры нет
level = Громкость микрофона
level-say = Скажите: «раз, два, три». Полоска должна двигаться.
level-heard = Микрофон вас слышит.
device-camera-denied = Браузеру запрещена камера. Нажмите на значок слева от адреса страницы, разрешите камеру и попробуйте ещё раз.
device-camera-missing = Камера не найдена. Подключите её и попробуйте ещё раз. Без камеры вас будет только слышно.
device-camera-busy = Камера занята другой программой. Закройте её (например, Zoom или Skype) и попробуйте ещё раз.
device-camera-unplugged = Камера отключилась. Подключите её снова или выберите другую.
device-camera-insecure = Камера работает только по защищённому адресу (https). Откройте урок по ссылке, которая начинается с https.
device-camera-failed = Камера не включилась. Отключите её и подключите снова, затем попробуйте ещё раз.
device-microphone-denied = Браузеру запрещён микрофон. Нажмите на значок слева от адреса страницы, разрешите микрофон и попробуйте ещё раз.
device-microphone-missing = Микрофон не найден. Подключите его и попробуйте ещё раз. Без микрофона вас не услышат.
device-microphone-busy = Микрофон занят другой программой. Закройте её (например, Zoom или Skype) и попробуйте ещё раз.
device-microphone-unplugged = Микрофон отключился. Подключите его снова или выберите другой.
device-microphone-insecure = Микрофон работает только по защищённому адресу (https). Откройте урок по ссылке, которая начинается с https.
device-microphone-failed = Микрофон не включился. Отключите его и подключите снова, затем попробуйте ещё раз.
device-insecure-link = Как сделать адрес защищённым
microphone-on = Микрофон включён
microphone-off = Микрофон выключен
camera-on = Камера включена
camera-off = Камера выключена
camera-is-off = Камера выключена

# Экран
screen-share = Показать экран
screen-stop = Убрать экран
screen-of-teacher = Экран учителя
screen-of-co-teacher = Экран второго учителя
own-screen = Ваш экран

# Консоль учителя
controls = Управление уроком
nobody-sees-you = Вас пока никто не видит и не слышит
seen-and-heard = Классы видят и слышат вас
seen-not-heard = Вас видят, но не слышат: микрофон выключен
screen-is-shared = Классы видят ваш экран и слышат вас
publish-connecting = Подключаем вас к классам…
publish-interrupted = Связь прервалась, подключаемся снова. Ничего нажимать не нужно
own-picture = Ваша камера
classes = Классы
classes-present = на связи { $present } из { $all }
classes-empty = Классов пока нет. Отправьте им ссылку «Для класса»: кнопка «Ссылки».
viewers = Зрители: { $count }
hands-raised =
    { $count ->
        [one] Поднята { $count } рука
        [few] Поднято { $count } руки
       *[other] Поднято { $count } рук
    }
hand-is-raised = Рука поднята
has-floor = говорит
lock = Закрыть вход
unlock = Открыть вход
locked = Вход закрыт
remove = Удалить из урока
remove-who = Удалить из урока: { $name }
remove-text = Участник сразу выйдет из урока и не вернётся на своё место.
mute = Выключить микрофон
unmute = Вернуть микрофон

# Слово
floor-give = Дать слово
floor-take = Забрать слово
floor-give-back = Вернуть слово
floor-take-own = Взять слово
floor-holder = Класс, который говорит
floor-connecting = Ждём картинку класса…
floor-offer = Вам дают слово
floor-offer-text = { $name } даёт вам слово. Если согласитесь, ваш класс увидят и услышат все.
floor-offer-lapses =
    { $seconds ->
        [one] На ответ осталась { $seconds } секунда
        [few] На ответ осталось { $seconds } секунды
       *[other] На ответ осталось { $seconds } секунд
    }
floor-accept = Говорить
floor-decline = Не сейчас
own-floor = Вас видят и слышат
own-floor-muted = Вас видят, микрофон выключен
hand-raise = Поднять руку
hand-lower = Опустить руку
silenced-microphone = Учитель выключил ваш микрофон.
silenced-camera = Учитель выключил вашу камеру.

# Частичная трансляция
feed-switch-on = Включить трансляцию
feed-switch-off = Выключить трансляцию (идёт { $minutes } мин)
feed-is-on = трансляция включена, { $minutes } мин
feed-is-off = трансляция выключена, всего { $minutes } мин

# Чат
chat = Чат
chat-unread =
    { $count ->
        [0] Чат
       *[other] Чат ({ $count })
    }
chat-lines = Сообщения
chat-empty = Сообщений пока нет.
chat-message = Сообщение
chat-send = Отправить

# Связь
own-link = Связь:
link-good = хорошая
link-fair = средняя
link-poor = слабая
link-sound_only = только звук
link-still = неподвижные картинки
link-lost = нет связи
link-unknown = проверяется
reception = Связь этого компьютера
reception-waiting = Пока ничего не идёт
reception-waiting-hint = Звук и картинка появятся сами. Ничего нажимать не нужно.
reception-sound_only = Канал несёт очень мало: идёт только звук
reception-sound_only-hint = Звук важнее всего, поэтому картинка пока не идёт. Она вернётся сама.
reception-still = Канал несёт мало: вместо движения неподвижные картинки
reception-still-hint = Звук идёт целиком, картинка меняется раз в несколько секунд. Движение вернётся само, когда в канале станет свободнее.
reception-smaller = Канал несёт мало: картинка поменьше
reception-smaller-hint = Звук идёт целиком. Картинка станет чётче сама, когда в канале станет свободнее.
reception-smaller_sent = Учитель сейчас отправляет картинку поменьше
reception-smaller_sent-hint = Дело не в вашем канале. Звук идёт целиком.
reception-sender_short = У того, кто говорит, канал несёт мало: картинка поменьше
reception-sender_short-hint = Дело не в вашем канале. Звук идёт целиком.
reception-unsteady = Связь неровная: часть данных теряется или опаздывает
reception-unsteady-hint = Потерянное досылается. Если звук прерывается, подключите компьютер кабелем или закройте другие программы.
reception-good = Связь хорошая
reception-good-hint = Звук и картинка идут целиком.
picture-height = { $height }p
picture-none = без картинки
figure-picture = Картинка сейчас
figure-fps = { $fps } кадр/с
figure-arrives = Приходит
figure-carries = Канал несёт около
figure-lost = Теряется
rate-kbit = { $rate } кбит/с
rate-mbit = { $rate } Мбит/с
chart-soon = График появится через несколько секунд.
chart-estimate = несёт канал
chart-arrived = приходит
chart-loss = потери
chart-picture = картинка
chart-words = За последние две минуты канал нёс от { $least } до { $most }, сейчас приходит { $arrives }. Картинка: { $pictures }. Терялось не больше { $lost } %.
classes-suffer =
    { $count ->
        [one] у { $count } класса плохая связь
       *[other] у { $count } классов плохая связь
    }
sees-lost = вернётся сам, место сохраняется
sees-sound_only = слышит вас, картинки не видит
sees-still = видит неподвижные картинки
sees-height = видит { $height }p
sending-computer = Компьютер не успевает: классам идёт картинка попроще. Закройте лишние программы и вкладки.
sending-link = Ваш канал несёт мало: классам идёт картинка поменьше. Звук идёт целиком.
sending-uplink-off = Ваш канал несёт вверх около { $rate }: крупная картинка не отправляется. Звук идёт целиком.
sending-uplink-less = Ваш канал несёт вверх около { $rate }: картинка отправляется поменьше. Звук идёт целиком.
sending-spared = Самая крупная картинка не отправляется: сейчас она никому не нужна.
connection-lost = Нет связи с сервером. Подключаемся снова, ничего нажимать не нужно.
no-server = Сервер не отвечает
no-server-hint = Проверьте, что компьютер подключён к сети, и попробуйте ещё раз.
sound-enable = Включить звук

# Что на экране класса
stage-picture = Идёт картинка
stage-waiting = Урок ещё не начался
stage-waiting-hint = Картинка и звук появятся сами, когда учитель начнёт. Ничего нажимать не нужно.
stage-ended = Урок окончен
stage-ended-hint = Эту страницу можно закрыть.
stage-feed_off = Трансляция выключена
stage-feed_off-hint = Урок ведёт учитель вашего класса. Включите трансляцию кнопкой внизу.
stage-no_connection = Нет связи с сервером
stage-no_connection-hint = Подключаемся снова. Звук и картинка вернутся сами.
stage-media_connecting = Подключаем звук и картинку
stage-media_connecting-hint = Обычно это занимает несколько секунд.
stage-sound_only = Связь слабая: идёт только звук
stage-sound_only-hint = Картинка вернётся сама, когда связь улучшится.
stage-camera_off = Камера учителя выключена
stage-camera_off-hint = Звук идёт.
stage-teacher_reconnecting = Учитель переподключается
stage-teacher_reconnecting-hint = Звук и картинка вернутся сами.
stage-teacher_absent = Учителя сейчас нет
stage-teacher_absent-hint = Оставайтесь на уроке: картинка появится сама, когда учитель вернётся.
stage-teacher_starting = Ждём картинку учителя
stage-teacher_starting-hint = Она появится сама.

# Выход, помощь, клавиши
leave = Выйти
leave-title = Выйти из урока?
leave-text = Вернуться можно по той же ссылке.
full-screen = На весь экран
help = Помощь
help-intro = Урок идёт сам: если связь прервётся, страница подключится снова.
key-talk-name = Пробел
key-talk = микрофон, пока держите
key-microphone-name = M
key-microphone = микрофон
key-hand-name = H
key-hand = рука
key-full-screen-name = F
key-full-screen = на весь экран
key-help-name = ?
key-help = эта помощь

# Почему не пускают: заголовок и что делать
refused-no_link = Здесь нужна ссылка на урок
refused-no_link-hint = Откройте ссылку, которую прислали учитель или школа, целиком: она длинная, с знаком #.
refused-unsupported = Этот браузер не подходит для урока
refused-unsupported-hint = Откройте ссылку в новом Chrome, Яндекс Браузере, Edge, Firefox или Safari.
refused-bad_message = Страница и сервер не поняли друг друга
refused-bad_message-hint = Обновите страницу. Если не поможет, сообщите координатору код ниже.
refused-wrong_version = Страница устарела
refused-wrong_version-hint = Обновите страницу: на сервере новая версия.
refused-bad_token = Ссылка неверная
refused-bad_token-hint = Наверное, она скопирована не целиком. Попросите прислать ссылку ещё раз.
refused-expired = Срок ссылки истёк
refused-expired-hint = Попросите учителя или школу прислать новую ссылку.
refused-revoked = Ссылку отозвали
refused-revoked-hint = Попросите учителя или школу прислать новую ссылку.
refused-ended = Урок окончен
refused-ended-hint = Эту страницу можно закрыть.
refused-locked = Вход в урок закрыт
refused-locked-hint = Попросите учителя открыть вход и попробуйте ещё раз.
refused-removed = Вас удалили из урока
refused-removed-hint = Если это ошибка, свяжитесь с учителем.
refused-full = В уроке нет мест
refused-full-hint = Подождите, пока кто-нибудь выйдет, и попробуйте ещё раз или сообщите координатору.
refused-not_allowed = Этого по вашей ссылке делать нельзя
refused-not_allowed-hint = Попросите ссылку для вашей роли.
refused-no_such_participant = Такого участника в уроке нет
refused-no_such_participant-hint = Войдите в урок снова.
refused-seat_taken = Урок уже ведут с другого компьютера
refused-seat_taken-hint = Место учителя одно. Закройте урок там и войдите снова здесь.
refused-too_fast = Слишком много попыток
refused-too_fast-hint = Подождите минуту и попробуйте снова.
refused-bad_sdp = Браузер и сервер не договорились о звуке и картинке
refused-bad_sdp-hint = Обновите браузер или откройте ссылку в другом.
refused-media_unavailable = Сервер пока не может передать звук и картинку
refused-media_unavailable-hint = Подождите минуту и войдите снова.
refused-taken_over = Урок открыт в другом окне
refused-taken_over-hint = Звук и картинка идут там. Можно вернуть их сюда.
refused-left = Вы вышли из урока
refused-left-hint = Вернуться можно, пока урок идёт.

# Что не получилось
error-unknown = Не получилось. Попробуйте ещё раз; если не поможет, сообщите координатору код { $code }.
error-connection_lost = Нет связи с сервером. Попробуйте ещё раз, когда она вернётся.
error-bad_message = Сервер не понял запрос. Обновите страницу.
error-wrong_version = Страница устарела. Обновите её.
error-bad_token = Ссылка неверная. Попросите прислать её ещё раз.
error-expired = Срок ссылки истёк. Попросите новую.
error-revoked = Ссылку отозвали. Попросите новую.
error-ended = Урок уже окончен.
error-locked = Вход в урок закрыт.
error-removed = Вас удалили из урока.
error-full = В уроке нет мест.
error-not_allowed = Этого сейчас делать нельзя.
error-no_such_participant = Этот участник уже вышел.
error-seat_taken = Место учителя занято.
error-too_fast = Слишком часто. Подождите немного и попробуйте снова.
error-bad_sdp = Браузер и сервер не договорились о звуке и картинке. Обновите браузер.
error-media_unavailable = Сервер пока не может передать звук и картинку. Подождите минуту.
error-not_signed_in = Войдите снова: время входа истекло.
error-sign_in_failed = Имя или пароль неверны. Проверьте раскладку и попробуйте ещё раз.
error-bad_text = В тексте есть недопустимые знаки, или он слишком короткий.
error-wrong_state = Урок уже окончен, изменить его нельзя.
error-not_found = Этого урока или ссылки больше нет. Обновите страницу.
error-archive_unavailable = Записи сейчас недоступны. Попробуйте ещё раз через минуту.

# Записи уроков
recordings = Записи уроков
recordings-search = Найти запись
recordings-search-hint = Слова из темы урока или имя учителя
recordings-none = Ничего не нашлось. Попробуйте другие слова или меньше слов.
recordings-empty = Здесь будут записи уроков. Запись урока, на который у вас есть приглашение, открывается по той же ссылке.
recordings-more = Показать ещё
recording-recording = Идёт запись
recording-finishing = Запись сохраняется
recording-open = Открыта всем
recording-player = Запись урока
recording-watch = Смотреть запись
recording-watch-hint = Запись урока можно посмотреть с начала.
to-recordings = Все записи уроков
no-recording-not_found = Этой записи здесь нет
no-recording-not_found-hint = Возможно, она открыта не всем. Откройте её по ссылке на урок, которую вам прислали, или войдите.
no-recording-nothing = Урок прошёл, но записывать было нечего
no-recording-nothing-hint = Звук учителя не приходил, или запись была выключена.
no-recording-not_yet = Запись только начинается
no-recording-not_yet-hint = Она появится здесь сама через несколько секунд.
no-recording-unsupported = Этот браузер не показывает записи
no-recording-unsupported-hint = Откройте страницу в новом Chrome, Яндекс Браузере, Edge, Firefox или Safari.
no-recording-connection_lost = Нет связи с сервером
no-recording-connection_lost-hint = Проверьте, что компьютер подключён к сети, и попробуйте ещё раз.
no-recording-archive_unavailable = Записи сейчас недоступны
no-recording-archive_unavailable-hint = С ними ничего не случилось. Попробуйте ещё раз через минуту.
replay-begin = Смотреть
replay-go-on = Продолжить
replay-play = Смотреть
replay-pause = Пауза
replay-back = Назад на { $seconds } секунд
replay-forth = Вперёд на { $seconds } секунд
replay-mute = Без звука
replay-speed = Скорость
replay-quality = Качество
replay-quality-auto = само
replay-quality-auto-now = само ({ $height }p)
replay-quality-sound = только звук
replay-seek = Место в записи
replay-place = { $at } из { $whole }
replay-controls = Управление записью
replay-to-start = К началу урока
replay-to-live = К эфиру
replay-waiting = Загружаем звук…
replay-live-edge = Дальше урок ещё не записан: подождите несколько секунд.
replay-sound = Только звук: картинка выключена в «Качестве».
replay-no-picture = Картинки здесь не было: идёт только звук.
replay-picture-waits = Звук идёт, картинка загружается…
replay-connection_lost = Нет связи с сервером. Запись продолжится сама.
replay-unplayable = Браузер не может показать эту запись. Откройте её в другом браузере.
replay-keys = Клавиши: пробел — пауза, ← и → — на 10 секунд, ↑ и ↓ — громкость, M — без звука, F — на весь экран.

# Запись урока
recording-ready = Будет записан
recording-running = Идёт запись
recording-paused = Запись на паузе
recording-waits = Запись ждёт: сервер пока не может её сохранить. Скажите тому, кто следит за сервером.
recording-begin = Записывать урок
recording-pause = Пауза записи
recording-go-on = Продолжить запись
recording-stop = Остановить запись
class-not-recorded = класс не записывается
consent-title = Запись вашего класса
consent-text = Урок записывают. Когда вашему классу дадут слово, его можно записать вместе с уроком или показать только сейчас, без записи. Решает учитель вашего класса.
consent-agree = Записывайте нас
consent-refuse = Не записывать нас
consent-given = Класс записывается
consent-not-given = Класс не записывается

# Проверка связи
test-title = Проверка связи
test-this-link = Проверить связь этого компьютера
test-intro = Полминуты сервер и этот компьютер обмениваются пробной картинкой и звуком, как на уроке. Камера и микрофон не нужны. Потом страница скажет, каким будет урок и что можно улучшить.
test-place = Школа или класс, если хотите
test-place-hint = Под этим названием итог увидит администратор. Имён людей не пишите.
test-advice = Проверяйте с того компьютера и в то время, когда идут уроки. Другие программы и вкладки закройте.
test-start = Проверить связь
test-stop = Прервать
test-again = Проверить ещё раз
test-back = Вернуться к уроку
test-progress = Проверка
test-waiting = Сейчас проверяют связь другие. Ваша проверка начнётся сама.
test-waiting-link = В вашей школе уже идёт проверка. Ваша начнётся сама, когда та закончится.
test-now-connecting = Соединяемся с сервером…
test-now-up = Проверяем, сколько можно отправить…
test-now-down = Проверяем, сколько можно получить…
test-now-done = Готово
test-chart-up = отправляется
test-chart-down = приходит
test-chart-words = Отправлялось до { $up }, приходило до { $down }.
test-receiving-no_media = Картинка и звук не проходят
test-receiving-too_little = Канал слишком слабый: звук будет прерываться
test-receiving-sound_only = Урок будет слышно, но без картинки
test-receiving-small_picture = Звук и маленькая картинка
test-receiving-smaller_picture = Хороший звук и картинка поменьше
test-receiving-good = Урок будет видно и слышно хорошо
test-sending-no_media = Отсюда картинка и звук не проходят
test-sending-too_little = Отвечать не получится: ваш звук будет прерываться
test-sending-sound_only = Вас услышат, но не увидят
test-sending-small_picture = Вас услышат и увидят в маленькой картинке
test-sending-smaller_picture = Вас хорошо услышат и увидят в картинке поменьше
test-sending-good = Вас хорошо увидят и услышат
test-teaching-no_media = Картинка и звук не проходят
test-teaching-too_little = Вести урок с этого канала не получится
test-teaching-sound_only = Классы будут вас слышать, но не видеть
test-teaching-small_picture = Классы будут слышать вас и видеть маленькую картинку
test-teaching-smaller_picture = Классы будут слышать вас и видеть картинку поменьше
test-teaching-good = Канал готов: классы хорошо увидят и услышат вас
test-no-media-hint = Страница открылась, но звук и картинка не прошли ни по UDP, ни по TCP. Скорее всего, их не пропускает сетевой экран школы.
test-next-no-media = Попросите того, кто ведает сетью школы, открыть порты сервера для звука и картинки (UDP и TCP), и проверьте ещё раз.
test-next-good = Ничего менять не нужно.
test-next-weak = Подключите компьютер кабелем, закройте обновления и чужие загрузки и проверьте ещё раз. Если не станет лучше, покажите этот итог координатору.
test-next-bad = Подключите компьютер кабелем, отключите от канала лишние компьютеры и телефоны и проверьте ещё раз. Покажите этот итог координатору: до урока нужен другой канал.
test-note-tcp = Сетевой экран школы не пропускает UDP, поэтому всё идёт по TCP. Урок пойдёт, но при потерях возможны задержки: лучше открыть UDP.
test-note-lossy = Часть данных теряется. Обычно помогает кабель вместо Wi-Fi.
test-note-bloated = Когда канал занят целиком, данные ждут в очереди. Во время урока не включайте загрузки и обновления.
test-note-far = Данные идут долго, как через спутник: в разговоре будет заметна задержка.
test-note-unsteady = Данные приходят неровно. Обычно помогает кабель вместо Wi-Fi.
test-figure-down = Приходит
test-figure-up = Отправляется
test-figure-loss-down = Теряется на пути сюда
test-figure-loss-up = Теряется на пути отсюда
test-figure-rtt = Задержка туда и обратно
test-figure-queue = Очередь в занятом канале
test-figure-jitter = Неровность прихода
test-figure-transport = Как проходит
percent = { $value } %
milliseconds = { $value } мс
rate-or-more = { $rate } или больше
test-refused = Проверка не состоялась
test-trouble-bad_message = Страница и сервер не поняли друг друга. Обновите страницу.
test-trouble-wrong_version = На сервере новая версия. Обновите страницу.
test-trouble-bad_token = Ссылка на урок неверная. Откройте её ещё раз целиком.
test-trouble-expired = Срок ссылки на урок истёк. Откройте новую.
test-trouble-revoked = Ссылку на урок отозвали. Попросите новую.
test-trouble-too_fast = Отсюда проверяли слишком часто. Подождите десять минут.
test-trouble-busy = Сервер сейчас занят уроками или другими проверками. Попробуйте через несколько минут.
test-trouble-lesson_on_link = В вашей школе сейчас идёт урок, проверка ему помешала бы. Проверьте связь после урока.
test-trouble-bad_sdp = Браузер и сервер не договорились о звуке и картинке. Откройте страницу в другом браузере.
test-trouble-media_unavailable = Сервер пока не может передать звук и картинку. Попробуйте через минуту.
test-trouble-connection_lost = Связь с сервером прервалась во время проверки. Проверьте, что компьютер подключён к сети.
tests-title = Связь школ
tests-hint = Итоги проверок за 30 дней. Кому нужна помощь, тот выше.
tests-empty = Проверок пока не было. Отправьте школам ссылку на урок: на её странице есть «Проверить связь этого компьютера».
tests-unnamed = Без названия ({ $link })
tests-own-network = сеть сервера
tests-more = Подробнее
tests-history = Прежние проверки
tests-receives = Получает: { $what }
tests-sends = Отправляет: { $what }
verdict-no_media = ничего не проходит
verdict-too_little = звук прерывается
verdict-sound_only = только звук
verdict-small_picture = звук и маленькая картинка
verdict-smaller_picture = хороший звук и картинка поменьше
verdict-good = хорошо видно и слышно
