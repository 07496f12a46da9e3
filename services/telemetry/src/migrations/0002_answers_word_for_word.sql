-- A replayed answer is the first one word for word; jsonb would put the keys of its flags into another order.
alter table telemetry.answers alter column answer type json using answer::text::json;
